//! Which model folders a device believes, with signatures that another implementation of minisign made.

use std::{fs, path::Path};

use mfn_engine::{ModelError, ModelFolder, Models, Trust, TrustedKey};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/signed");

/// The signed folder as `signed` in a models folder, with the signature of this name.
fn models(signature: &str) -> TempDir {
    let models = tempfile::tempdir().unwrap();
    let folder = models.path().join("signed");
    fs::create_dir(&folder).unwrap();
    fs::copy(Path::new(DATA).join("manifest.toml"), folder.join("manifest.toml")).unwrap();
    fs::copy(Path::new(DATA).join(signature), folder.join("manifest.toml.minisig")).unwrap();
    fs::write(folder.join("net.onnx"), b"not ONNX").unwrap();
    fs::write(folder.join("golden.json"), b"{}").unwrap();
    models
}

fn by(key: &str) -> Trust {
    let text = fs::read_to_string(Path::new(DATA).join(key)).unwrap();
    Trust::Known { key: Some(TrustedKey::parse(&text).unwrap()), unsigned: Vec::new() }
}

#[track_caller]
fn refused(models: &TempDir, trust: &Trust, word: &str) {
    let error = Models::find_trusted(models.path(), trust).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::Untrusted { .. }), "{text}");
    assert!(text.contains(word) && text.contains("signed") && !text.contains('\n'), "{text}");
}

#[test]
fn both_forms_of_signature_are_taken() {
    for signature in ["manifest.toml.minisig", "manifest.toml.legacy.minisig"] {
        let models = models(signature);
        let found = Models::find_trusted(models.path(), &by("release.pub")).unwrap();
        assert_eq!(found.recogniser(None).unwrap().name(), "signed");
    }
}

#[test]
fn a_line_of_the_key_file_is_a_key_too() {
    let text = fs::read_to_string(Path::new(DATA).join("release.pub")).unwrap();
    TrustedKey::parse(text.lines().nth(1).unwrap()).unwrap();
    assert!(TrustedKey::parse("RWQ nothing").unwrap_err().contains("no minisign public key"));
}

#[test]
fn what_nobody_vouches_for_is_refused() {
    let models = models("manifest.toml.minisig");
    let nobody = Trust::Known { key: None, unsigned: Vec::new() };
    refused(&models, &nobody, "no public key");
    refused(&models, &by("other.pub"), "not of this manifest");
    let allowed = Trust::Known { key: None, unsigned: vec!["signed".into()] };
    Models::find_trusted(models.path(), &allowed).unwrap();

    let folder = models.path().join("signed");
    let manifest = fs::read_to_string(folder.join("manifest.toml")).unwrap();
    fs::write(folder.join("manifest.toml"), manifest.replace("MIT", "BSD")).unwrap();
    refused(&models, &by("release.pub"), "not of this manifest");
    ModelFolder::open(&folder).expect("a person at a workstation named it");
    fs::write(folder.join("manifest.toml.minisig"), "untrusted comment: x\n").unwrap();
    refused(&models, &by("release.pub"), "is no signature");
    fs::remove_file(folder.join("manifest.toml.minisig")).unwrap();
    refused(&models, &by("release.pub"), "has no signature");
}

#[test]
fn a_signed_manifest_speaks_for_its_files() {
    let models = models("manifest.toml.minisig");
    fs::write(models.path().join("signed/golden.json"), b"[]").unwrap();
    let error = Models::find_trusted(models.path(), &by("release.pub")).unwrap_err();
    assert!(matches!(error, ModelError::Hash { .. }), "{error}");
}
