//! Removes people who are past their erasure date, on a thread of its own: a removal waits for the disk.

use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use mfn_gallery::{Access, Gallery};

use super::Shared;
use super::errand::Errand;
use super::news::News;
use crate::engines::GalleryPlace;
use crate::exit::{Failure, OrExit};

/// Removes them now, whoever they are.
pub fn begin(place: &GalleryPlace, shared: &Arc<Shared>) {
    let (place, shared) = (place.clone(), Arc::clone(shared));
    let work = move || match erase(&place) {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            shared.tell(News::Admin(format!("past their erasure date and removed: {}", ids.join(" "))));
            let _ = shared.errands.send(Errand::LookAtGallery);
        }
        Err(failure) => shared.tell(News::GalleryTrouble(format!(
            "people past their erasure date are not removed yet: {}",
            failure.error
        ))),
    };
    if let Err(e) = thread::Builder::new().name("erasure".to_owned()).spawn(work) {
        log::warn!("no thread for removing people past their erasure date: {e}");
    }
}

fn erase(place: &GalleryPlace) -> Result<Vec<String>, Failure> {
    let mut gallery = place.open(Access::Write)?;
    let removed = gallery.remove_expired(SystemTime::now()).or_exit(crate::exit::Exit::Gallery)?;
    Ok(removed.iter().map(ToString::to_string).collect())
}
