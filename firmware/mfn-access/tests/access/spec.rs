//! When a grant is right, said as naively as possible: looking backwards from it over everything that
//! ever happened, with no state carried along.

use std::time::Duration;

use mfn_access::{AccessPolicy, AccessRules, Event, Face, Probe, Sighting};
use mfn_template::PersonId;

/// Everything that happened: the event, when, and who was granted then.
pub type History = Vec<(Event, Duration, Option<PersonId>)>;

/// Says why the grant that ends the history is wrong.
pub fn objection(history: &History, policy: &AccessPolicy, rules: &AccessRules) -> Option<&'static str> {
    let (last, now, granted) = history.last()?;
    let person = (*granted)?;
    let Event::Frame(frame) = last else { return Some("granted without a frame") };
    if rules.check(person, frame.local_time).is_err() {
        return Some("the rules do not let the person in");
    }
    let approach = approach(history, policy);
    let Some((newest, _)) = approach.first() else { return Some("the frame is no evidence") };
    if *newest != history.len() - 1 {
        return Some("the frame is no evidence");
    }
    let earlier = approach.iter().skip(1).map(|(index, _)| &history[*index]);
    let held = earlier.filter(|step| step.2.is_some()).any(|step| *now < step.1 + policy.hold_off);
    if held {
        return Some("hold-off after an earlier grant of this approach");
    }
    let mut votes = 0;
    for (number, (index, sighting)) in approach.iter().take(policy.window).enumerate() {
        let earlier_grant = number > 0 && history[*index].2.is_some();
        if earlier_grant || contends(sighting, policy) || speaks_against(sighting, person, policy) {
            break;
        }
        votes += usize::from(nearest(sighting).is_some_and(|face| vote(face, policy) == Some(person)));
        if number == 0 && votes == 0 {
            return Some("the last frame is no vote");
        }
    }
    (votes < policy.votes).then_some("too few frames agree")
}

/// The frames of the approach that the history ends with, newest first, each with its place.
fn approach<'a>(history: &'a History, policy: &AccessPolicy) -> Vec<(usize, &'a Sighting)> {
    let mut frames = evidence(history, policy);
    frames.reverse();
    let mut seen: Option<&Sighting> = None;
    let mut end = frames.len();
    for (place, (_, sighting)) in frames.iter().enumerate() {
        let Some(face) = nearest(sighting) else { continue };
        if let Some(later) = seen {
            let after = nearest(later).expect("only frames with a face are kept").area;
            let moved = after.continues(&face.area, policy.max_shift, policy.max_growth);
            let gap = later.captured - sighting.captured;
            if gap > policy.max_frame_gap || !(moved || contends(later, policy)) {
                end = place;
                break;
            }
        }
        seen = Some(sighting);
    }
    frames.truncate(end);
    frames
}

/// The frames that are evidence since the last thing that makes all before it worthless, oldest first.
fn evidence<'a>(history: &'a History, policy: &AccessPolicy) -> Vec<(usize, &'a Sighting)> {
    let mut frames: Vec<(usize, &Sighting)> = Vec::new();
    let mut last: Option<(u64, Duration)> = None;
    let mut clock = Duration::ZERO;
    for (index, (event, now, _)) in history.iter().enumerate() {
        let backwards = *now < clock;
        clock = *now;
        match event {
            _ if backwards => {
                frames.clear();
                last = last.map(|(sequence, _)| (sequence, Duration::ZERO));
            }
            Event::Shutdown => return Vec::new(),
            Event::Fault(_) => frames.clear(),
            Event::Tick => {}
            Event::Frame(sighting) => {
                let new = last.is_none_or(|(sequence, _)| sighting.sequence > sequence);
                let later = last.is_none_or(|(_, captured)| sighting.captured > captured);
                let fresh = sighting.captured <= *now && *now - sighting.captured <= policy.max_frame_age;
                let boxes = sighting.faces.iter().all(|face| face.area.is_usable());
                if new && later && fresh && boxes {
                    last = Some((sighting.sequence, sighting.captured));
                    frames.push((index, sighting));
                }
            }
        }
    }
    frames
}

fn nearest(sighting: &Sighting) -> Option<&Face> {
    let areas = |face: &&Face| face.area.area();
    sighting.faces.iter().reduce(|a, b| if areas(&b) >= areas(&a) { b } else { a })
}

/// Whether a second face is of comparable size.
fn contends(sighting: &Sighting, policy: &AccessPolicy) -> bool {
    let mut areas: Vec<f32> = sighting.faces.iter().map(|face| face.area.area()).collect();
    areas.sort_by(f32::total_cmp);
    areas.len() > 1 && areas[areas.len() - 2] >= policy.several_people_ratio * areas[areas.len() - 1]
}

/// Each person once with the best similarity, most similar first; nothing when a number is none.
fn ranking(face: &Face) -> Vec<(PersonId, f32)> {
    let Probe::Compared(candidates) = &face.probe else { return Vec::new() };
    let mut ranked: Vec<_> = candidates.0.iter().map(|c| (c.person, c.similarity)).collect();
    if !ranked.iter().all(|(_, similarity)| (-1.01..=1.01).contains(similarity)) {
        return Vec::new();
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut seen = Vec::new();
    ranked.retain(|(person, _)| {
        !seen.contains(person) && {
            seen.push(*person);
            true
        }
    });
    ranked
}

fn vote(face: &Face, policy: &AccessPolicy) -> Option<PersonId> {
    let ranked = ranking(face);
    let (person, similarity) = *ranked.first()?;
    let clear = ranked.get(1).is_none_or(|(_, next)| similarity - next >= policy.margin);
    (similarity >= policy.threshold && clear).then_some(person)
}

/// Whether the nearest face is comparable, and is neither nearly nor possibly this person's.
fn speaks_against(sighting: &Sighting, person: PersonId, policy: &AccessPolicy) -> bool {
    let Some(face) = nearest(sighting) else { return false };
    let ranked = ranking(face);
    let Some((best, similarity)) = ranked.first().copied() else { return false };
    if similarity < policy.threshold - policy.near_miss {
        return true;
    }
    let ambiguous = similarity >= policy.threshold && vote(face, policy).is_none();
    best != person && !(ambiguous && ranked[1].0 == person)
}
