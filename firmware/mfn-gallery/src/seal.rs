//! Sealing: XChaCha20-Poly1305 with random nonces, and keys that are wiped when they are dropped.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use std::io;
use zeroize::Zeroize;

/// Bytes of a nonce, at the front of what is sealed.
pub(crate) const NONCE: usize = 24;
/// Bytes of a tag, at its end.
const TAG: usize = 16;
/// What sealing adds to a text.
pub(crate) const OVERHEAD: usize = NONCE + TAG;

/// A random name of a gallery, of one snapshot, or of a person's key.
pub(crate) type Id = [u8; 16];

/// A key; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) [u8; 32]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Secret {
    pub(crate) fn random() -> io::Result<Secret> {
        Ok(Secret(random()?))
    }

    /// Bytes for one purpose in one gallery (RFC 5869 with SHA-256).
    fn expand(&self, gallery: &Id, purpose: &str, id: &[u8], out: &mut [u8]) {
        if cfg!(fuzzing) {
            return out.fill(1);
        }
        let info = [b"mfn-gallery 2 ", purpose.as_bytes(), id].concat();
        let derived = Hkdf::<Sha256>::new(Some(gallery), &self.0).expand(&info, out);
        assert!(derived.is_ok(), "HKDF gives up to 8,160 bytes");
    }

    /// The key for one purpose in one gallery.
    pub(crate) fn derive(&self, gallery: &Id, purpose: &str, id: &[u8]) -> Secret {
        let mut key = Secret([0; 32]);
        self.expand(gallery, purpose, id, &mut key.0);
        key
    }

    /// What tells a wrong key from damage; says nothing about the key.
    pub(crate) fn check(&self, gallery: &Id) -> Id {
        let mut check = [0; 16];
        self.expand(gallery, "key check", &[], &mut check);
        check
    }

    /// Nonce, ciphertext, tag.
    pub(crate) fn seal(&self, associated: &[u8], text: &[u8]) -> io::Result<Vec<u8>> {
        let nonce: [u8; NONCE] = random()?;
        let mut sealed = Vec::with_capacity(text.len() + OVERHEAD);
        sealed.extend(nonce);
        sealed.extend(text);
        if cfg!(fuzzing) {
            sealed.extend([0; TAG]);
            return Ok(sealed);
        }
        let tag = self
            .cipher()
            .encrypt_inout_detached(&XNonce::from(nonce), associated, (&mut sealed[NONCE..]).into())
            .map_err(|_| io::ErrorKind::FileTooLarge)?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// The text, where key, associated data and every bit of the sealed bytes are right.
    pub(crate) fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_in_place(associated, &mut sealed.to_vec()).map(<[u8]>::to_vec)
    }

    /// The same, where the sealed bytes were.
    pub(crate) fn open_in_place<'a>(&self, associated: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE>()?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG>()?;
        let (nonce, tag) = (XNonce::from(*nonce), (*tag).into());
        if cfg!(fuzzing) {
            // A fuzzer cannot make tags: it gives the texts, and what is behind the seal is tested.
            return Some(text);
        }
        let cipher = self.cipher();
        let opened = cipher.decrypt_inout_detached(&nonce, associated, (&mut *text).into(), &tag);
        #[cfg(test)]
        if opened.is_err() && crate::crash::without_tags() {
            // What a store without tags would read: deciphering is enciphering, both add the key stream.
            let _ = cipher.encrypt_inout_detached(&nonce, &[], (&mut *text).into());
            return Some(text);
        }
        opened.is_ok().then_some(text)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

/// Fresh random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    if cfg!(fuzzing) {
        fill_repeatably(&mut bytes);
    } else {
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    }
    Ok(bytes)
}

/// A fuzzer must find the same bytes each time: a count of what was asked for.
fn fill_repeatably(bytes: &mut [u8]) {
    use std::cell::Cell;
    thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });
    let count = COUNT.get() + 1;
    COUNT.set(count);
    bytes.iter_mut().zip(count.to_le_bytes()).for_each(|(byte, part)| *byte = part);
}
