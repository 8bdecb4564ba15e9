//! The passphrase of a backup: from a file, a systemd credential, or the terminal without echo. Never from
//! the command line, which every process of the machine can read.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use mfn_gallery::Passphrase;
use zeroize::Zeroizing;

use crate::cli::PassphraseArgs;
use crate::exit::{Exit, Failure, OrExit};

/// The name of the systemd credential.
const CREDENTIAL: &str = "mfn-backup-passphrase";

/// The passphrase of a backup that is there.
///
/// # Errors
/// There is none, or it is too short.
pub fn known(args: &PassphraseArgs) -> Result<Passphrase, Failure> {
    match file(args) {
        Some(path) => read(&path),
        None => Passphrase::new(ask("Passphrase of the backup: ")?).or_exit(Exit::Usage),
    }
}

/// The passphrase of a new backup; on a terminal it is asked for twice.
///
/// # Errors
/// As [`known`], or the two are different.
pub fn new(args: &PassphraseArgs) -> Result<Passphrase, Failure> {
    if let Some(path) = file(args) {
        return read(&path);
    }
    let first = Zeroizing::new(ask("Passphrase for the backup (12 characters or more): ")?);
    let passphrase = Passphrase::new((*first).clone()).or_exit(Exit::Usage)?;
    if *first != *Zeroizing::new(ask("Once more: ")?) {
        return Err(Failure::new(Exit::Usage, "the two passphrases differ: nothing was written"));
    }
    Ok(passphrase)
}

fn file(args: &PassphraseArgs) -> Option<PathBuf> {
    let credential = || {
        let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
        path.exists().then_some(path)
    };
    args.passphrase_file.clone().or_else(credential)
}

/// The first line's worth: one line feed at the end is not part of it.
fn read(path: &Path) -> Result<Passphrase, Failure> {
    let failed = |what: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("passphrase file {}: {what}", path.display()))
    };
    let mut text = Zeroizing::new(String::with_capacity(Passphrase::MAX_BYTES + 2));
    let limit = Passphrase::MAX_BYTES as u64 + 2;
    let opened = File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    opened.map_err(|e| failed(&e))?;
    let line = text.strip_suffix('\n').map_or(&*text as &str, |line| line.trim_end_matches('\r'));
    Passphrase::new(line.to_owned()).map_err(|e| failed(&e))
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let what = "no terminal to ask for the passphrase: use --passphrase-file, or systemd's credential mfn-backup-passphrase";
        return Err(Failure::new(Exit::Usage, what));
    }
    rpassword::prompt_password(prompt).or_exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(bytes: &[u8]) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path()).map(drop).map_err(|failure| failure.error.to_string())
    }

    #[test]
    fn a_file_holds_a_passphrase_of_enough_characters() {
        assert_eq!(read_text(b"correct horse battery\n"), Ok(()));
        assert_eq!(read_text(b"correct horse battery"), Ok(()));
        assert!(read_text(b"short\n").unwrap_err().contains("12 characters"));
        assert!(read_text(&[b'x'; 4000]).unwrap_err().contains("1024 bytes"));
        assert!(read_text(b"\xff\xfe not text at all").unwrap_err().contains("passphrase file"));
        assert!(read(Path::new("/no/such/file")).is_err());
    }
}
