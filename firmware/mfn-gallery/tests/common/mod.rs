//! What the gallery's tests share: small galleries in temporary folders.
#![allow(dead_code, reason = "each test file uses its own part")]

use mfn_gallery::{
    Access, EnrolTemplate, Enrolment, FileGallery, GalleryError, GalleryKey, Metadata, PersonName,
};
use mfn_template::{Template, TemplateSpace};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Values a template in these tests.
pub const DIMENSION: usize = 4;

pub fn space() -> TemplateSpace {
    TemplateSpace::new("test-space").unwrap()
}

pub fn key() -> GalleryKey {
    GalleryKey::from_bytes(&[7; 32])
}

pub fn open(dir: &Path, access: Access) -> Result<FileGallery, GalleryError> {
    FileGallery::open(dir, &space(), DIMENSION, access, &key())
}

/// The error of an opening that must fail.
pub fn refusal(dir: &Path, access: Access) -> GalleryError {
    match open(dir, access) {
        Ok(_) => panic!("opened what must be refused"),
        Err(e) => e,
    }
}

pub fn name(text: &str) -> PersonName {
    PersonName::new(text).unwrap()
}

pub fn template(values: [f32; DIMENSION]) -> Template {
    Template::normalise(&values).unwrap()
}

pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub fn reference(values: [f32; DIMENSION]) -> EnrolTemplate {
    EnrolTemplate { template: template(values), quality: 0.5, taken: at(1_700_000_000) }
}

pub fn enrolment(text: &str, templates: &[[f32; DIMENSION]]) -> Enrolment {
    Enrolment {
        name: name(text),
        metadata: Metadata::default(),
        templates: templates.iter().map(|&t| reference(t)).collect(),
    }
}
