//! Passphrases of backups, and the key that Argon2id (RFC 9106) makes of one.

use crate::BackupError;
use crate::seal::{Id, Secret};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroize;

/// What a passphrase protects a backup with; wiped from memory when dropped, never printed.
pub struct Passphrase(String);

impl Passphrase {
    /// Fewest characters. Four or five random words are better than any rule on characters.
    pub const MIN_CHARACTERS: usize = 12;
    /// Most bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a passphrase.
    ///
    /// # Errors
    /// It is too short or too long.
    pub fn new(text: String) -> Result<Passphrase, BackupError> {
        let passphrase = Passphrase(text);
        let long_enough = passphrase.0.chars().count() >= Passphrase::MIN_CHARACTERS;
        if long_enough && passphrase.0.len() <= Passphrase::MAX_BYTES {
            Ok(passphrase)
        } else {
            Err(BackupError::Passphrase)
        }
    }
}

impl Drop for Passphrase {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What it costs to try one passphrase: the parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Cost {
        Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

impl Cost {
    /// What a file may ask for: more memory than this a small board does not have to spare.
    const MAX_MEMORY_KIB: u32 = 256 * 1024;
    /// KiB times passes: some seconds on a small board.
    const MAX_WORK: u64 = 2 * 1024 * 1024;
    const MAX_LANES: u32 = 16;

    /// Whether it is within what this program spends on a file that it knows nothing about.
    pub(crate) fn is_bearable(self) -> bool {
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        (1..=Cost::MAX_LANES).contains(&self.lanes)
            && (8 * self.lanes..=Cost::MAX_MEMORY_KIB).contains(&self.memory_kib)
            && self.passes >= 1
            && work <= Cost::MAX_WORK
    }

    /// The key that a passphrase makes with this salt.
    pub(crate) fn key(self, passphrase: &Passphrase, salt: &Id) -> Result<Secret, BackupError> {
        let failed = |_| BackupError::Cost(self);
        if !self.is_bearable() {
            return Err(BackupError::Cost(self));
        }
        if cfg!(fuzzing) {
            return Ok(Secret([0; 32]));
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(failed)?;
        let mut key = Secret([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(passphrase.0.as_bytes(), salt, &mut key.0).map_err(failed)?;
        Ok(key)
    }
}
