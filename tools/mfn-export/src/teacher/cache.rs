//! A teacher's features on disk, found again by the content of the picture.
//!
//! The file is a row of records of one size: 32 bytes SHA-256 of the teacher's own hash and the
//! encoded picture, then the features as f32, little-endian. A record that was cut off is dropped at the next opening.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

type Key = [u8; 32];

/// Features by content; threads share it.
pub struct FeatureCache {
    file: File,
    teacher: Vec<u8>,
    dimension: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: HashMap<Key, u64>,
    end: u64,
}

impl FeatureCache {
    /// Opens or makes the file for features of this length; `teacher` is the network's file,
    /// so that features of one are never taken for another's.
    pub fn open(path: &Path, teacher: &[u8], dimension: usize) -> Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.with_context(|| format!("features {}: cannot be opened", path.display()))?;
        let teacher = Sha256::digest(teacher).to_vec();
        let cache = Self { file, teacher, dimension, known: Mutex::default() };
        cache.index().with_context(|| format!("features {}: cannot be read", path.display()))?;
        Ok(cache)
    }

    fn index(&self) -> Result<()> {
        let record = self.record();
        let whole = self.file.metadata()?.len() / record * record;
        self.file.set_len(whole)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for place in (0..whole).step_by(record as usize) {
            let mut key = Key::default();
            self.file.read_exact_at(&mut key, place)?;
            known.places.insert(key, place);
        }
        known.end = whole;
        Ok(())
    }

    fn record(&self) -> u64 {
        (size_of::<Key>() + 4 * self.dimension) as u64
    }

    /// The features of an encoded picture: from the file, or from `make` and then kept.
    pub fn features(&self, picture: &[u8], make: impl FnOnce() -> Result<Vec<f32>>) -> Result<Vec<f32>> {
        let key = Key::from(Sha256::new().chain_update(&self.teacher).chain_update(picture).finalize());
        let place = self.known.lock().unwrap_or_else(PoisonError::into_inner).places.get(&key).copied();
        if let Some(place) = place {
            let mut bytes = vec![0; 4 * self.dimension];
            self.file.read_exact_at(&mut bytes, place + key.len() as u64)?;
            let number = |b: &[u8]| f32::from_le_bytes(b.try_into().expect("four bytes"));
            return Ok(bytes.chunks_exact(4).map(number).collect());
        }
        let features = make()?;
        let bytes: Vec<u8> = key.into_iter().chain(features.iter().flat_map(|f| f.to_le_bytes())).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.end;
        self.file.write_all_at(&bytes, place).context("features: the cache could not be written")?;
        known.end += self.record();
        known.places.insert(key, place);
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_made_once_and_survive() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("features.bin");
        let cache = FeatureCache::open(&path, b"teacher", 3).unwrap();
        let first = cache.features(b"a", || Ok(vec![1.0, 2.0, 3.0])).unwrap();
        cache.features(b"b", || Ok(vec![4.0, 5.0, 6.0])).unwrap();
        assert_eq!(cache.features(b"a", || panic!("it is known")).unwrap(), first);
        // Half a record, as after a power cut.
        let len = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(len - 5).unwrap();
        let again = FeatureCache::open(&path, b"teacher", 3).unwrap();
        assert_eq!(again.features(b"a", || panic!("it is known")).unwrap(), first);
        assert_eq!(again.features(b"b", || Ok(vec![7.0; 3])).unwrap(), [7.0; 3]);
    }
}
