//! Time of one exact search (top 5, 512 values, two templates a person) in galleries of 1,000,
//! 10,000 and 100,000 templates.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, GalleryKey, Metadata, PersonName};
use mfn_template::{Template, TemplateSpace};
use std::hint::black_box;
use std::time::UNIX_EPOCH;

const DIMENSION: usize = 512;

/// Templates in random directions (xorshift; a sum of four uniforms is near enough to normal).
struct Directions(u64);

impl Directions {
    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    }

    fn template(&mut self) -> Template {
        let values: Vec<f32> = (0..DIMENSION).map(|_| (0..4).map(|_| self.uniform()).sum()).collect();
        Template::normalise(&values).expect("random values have a direction")
    }

    fn person(&mut self, i: usize) -> Enrolment {
        let name = PersonName::new(&format!("Person {i}")).expect("a plain name");
        let mut new = || EnrolTemplate { template: self.template(), quality: 0.9, taken: UNIX_EPOCH };
        Enrolment { name, metadata: Metadata::default(), templates: vec![new(), new()] }
    }
}

fn search(c: &mut Criterion) {
    let space = TemplateSpace::new("bench").expect("a plain name");
    for n in [1_000, 10_000, 100_000] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut directions = Directions(0x9E37_79B9_7F4A_7C15);
        let people: Vec<Enrolment> = (0..n / 2).map(|i| directions.person(i)).collect();
        let mut gallery = FileGallery::open(
            dir.path(),
            &space,
            DIMENSION,
            Access::Write,
            &GalleryKey::from_bytes(&[7; 32]),
        )
        .expect("an empty folder");
        gallery.enrol_all(&people).expect("room for the gallery");
        drop(people);
        let probe = directions.template();
        c.bench_with_input(BenchmarkId::new("match", n), &gallery, |b, gallery| {
            b.iter(|| gallery.search(black_box(&probe), 5));
        });
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
