//! The Rust half of `compare_faiss.py`, which stands beside it: reads templates and probes (512
//! f32 values each) from two files, one person a template; for each line on standard input it
//! searches all probes (top 5) and prints the nanoseconds of each search, then the best candidates'
//! rows. `cargo run --release -p mfn-gallery --example timed_search TEMPLATES PROBES`

use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, GalleryKey, Metadata, PersonName};
use mfn_template::{Candidates, Template, TemplateSpace};
use rustix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::io::BufRead;
use std::time::UNIX_EPOCH;

const DIMENSION: usize = 512;

fn templates(path: &str) -> Result<Vec<Template>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok(values.chunks_exact(DIMENSION).map(Template::normalise).collect::<Result<_, _>>()?)
}

fn enrolment((i, template): (usize, Template)) -> Result<Enrolment, Box<dyn Error>> {
    let templates = vec![EnrolTemplate { template, quality: 1.0, taken: UNIX_EPOCH }];
    Ok(Enrolment { name: PersonName::new(&format!("Person {i}"))?, metadata: Metadata::default(), templates })
}

/// Nanoseconds that this thread has had of a processor: others on the machine do not count.
fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn main() -> Result<(), Box<dyn Error>> {
    let [references, probes] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "two files")?;
    let dir = tempfile::tempdir()?;
    let mut gallery = FileGallery::open(
        dir.path(),
        &TemplateSpace::new("timed")?,
        DIMENSION,
        Access::Write,
        &GalleryKey::from_bytes(&[7; 32]),
    )?;
    let people =
        templates(&references)?.into_iter().enumerate().map(enrolment).collect::<Result<Vec<_>, _>>()?;
    gallery.enrol_all(&people)?;
    drop(people);
    let probes = templates(&probes)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        line?;
        let mut nanoseconds = Vec::new();
        let mut best = Vec::new();
        for probe in &probes {
            let start = processor_time();
            let Candidates(found) = gallery.search(probe, 5);
            nanoseconds.push(processor_time() - start);
            best.push(found.iter().map(|c| c.person.0 - 1).collect::<Vec<_>>());
        }
        println!("{{\"ns\": {nanoseconds:?}, \"best\": {best:?}}}");
    }
    Ok(())
}
