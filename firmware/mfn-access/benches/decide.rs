//! What one decision costs: a frame with two faces and five candidates each, 10,000 people in the rules.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use mfn_access::{AccessControl, AccessPolicy, AccessRules, Event, Face, FaceBox, Probe, Sighting};
use mfn_template::{Candidate, Candidates, PersonId};

fn face(x: f32, size: f32) -> Face {
    let candidate =
        |rank: u8| Candidate { person: PersonId(u64::from(rank)), similarity: 0.8 - f32::from(rank) * 0.1 };
    let probe = Probe::Compared(Candidates((0..5).map(candidate).collect()));
    Face { area: FaceBox { x, y: 0.3, width: size, height: size }, probe }
}

fn next_frame(event: &mut Event, now: Duration) {
    if let Event::Frame(sighting) = event {
        sighting.sequence += 1;
        sighting.captured = now;
    }
}

fn decide(criterion: &mut Criterion) {
    let rules = AccessRules::always((0..10_000).map(PersonId));
    let mut control = AccessControl::new(AccessPolicy::default(), rules);
    let faces = vec![face(0.3, 0.3), face(0.7, 0.1)];
    let mut event = Event::Frame(Sighting { faces, ..Sighting::default() });
    let mut now = Duration::ZERO;
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| {
            now += Duration::from_millis(100);
            next_frame(&mut event, now);
            control.step(black_box(&event), now)
        });
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
