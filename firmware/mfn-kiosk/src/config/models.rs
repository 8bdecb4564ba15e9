//! Which models are believed, and which of their networks runs.

use mfn_engine::{Precision, Trust, TrustedKey};

use super::Config;
use crate::exit::Failure;

/// A public key is two short lines.
const MAX_KEY: u64 = 4096;

impl Config {
    /// Whose model folders are taken.
    ///
    /// # Errors
    /// The public key cannot be read or is none.
    pub fn trust(&self) -> Result<Trust, Failure> {
        let models = &self.settings.models;
        let key = match models.public_key.as_str() {
            "" => None,
            path => {
                let wrong = |what: String| self.wrong("models.public_key", format_args!("{path}: {what}"));
                let text = key_text(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
                Some(TrustedKey::parse(&text).map_err(wrong)?)
            }
        };
        Ok(Trust::Known { key, unsigned: models.unsigned.clone() })
    }

    /// The recogniser's arithmetic; `flag` is the command line's.
    ///
    /// # Errors
    /// The configuration's is none.
    pub fn precision(&self, flag: Option<Precision>) -> Result<Precision, Failure> {
        flag.map_or_else(|| self.parsed("models.precision", &self.settings.models.precision), Ok)
    }
}

fn key_text(path: &str) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_KEY).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_none_is_named() {
        let mut config = Config::default();
        assert!(matches!(config.trust().unwrap(), Trust::Known { key: None, .. }));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.pub");
        config.settings.models.public_key = path.display().to_string();
        let missing = config.trust().unwrap_err().error.to_string();
        std::fs::write(&path, "untrusted comment: x\nnothing\n").unwrap();
        let broken = config.trust().unwrap_err().error.to_string();
        for text in [missing, broken] {
            assert!(text.contains("models.public_key") && text.contains("release.pub"), "{text}");
        }
        // minisign's own example key.
        std::fs::write(&path, "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
        assert!(matches!(config.trust().unwrap(), Trust::Known { key: Some(_), .. }));
    }

    #[test]
    fn the_command_line_goes_before_the_configuration() {
        let mut config = Config::default();
        config.settings.models.precision = "int8".into();
        assert_eq!(config.precision(None).unwrap(), Precision::Int8);
        assert_eq!(config.precision(Some(Precision::Fp32)).unwrap(), Precision::Fp32);
        config.settings.models.precision = "fp16".into();
        assert_eq!(config.precision(None).unwrap(), Precision::Fp16);
        config.settings.models.precision = "int4".into();
        let text = config.precision(None).unwrap_err().error.to_string();
        assert!(text.contains("fp32, fp16 and int8"), "{text}");
    }
}
