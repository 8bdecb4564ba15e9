//! The record of `run` on standard output: a line an event, as JSON for programs. People appear by number,
//! names only when asked for.

use std::cell::Cell;
use std::time::Instant;

use mfn_access::{Decision, Probe, Sighting};
use mfn_template::{Candidate, PersonId};
use serde_json::{Map, Value, json};

use super::news::People;
use super::summary::Totals;
use crate::exit::Failure;
use crate::keeper::{FromKeeper, name_of};
use crate::report;

/// Prints events.
pub struct Output {
    json: bool,
    names: Option<People>,
    threshold: f32,
    start: Instant,
    /// Whether it was told that the record cannot be written.
    complained: Cell<bool>,
    /// The nearest face of the last frame: number of the frame, and the best candidate.
    last: (u64, Option<Candidate>),
}

impl Output {
    /// With `names`, names appear beside numbers.
    pub fn new(json: bool, names: bool, threshold: f32, start: Instant) -> Output {
        Output {
            json,
            names: names.then(People::new),
            threshold,
            start,
            complained: Cell::new(false),
            last: (0, None),
        }
    }

    /// Remembers what a decision that follows is based on.
    pub fn see(&mut self, sighting: &Sighting) {
        let best = match sighting.faces.first().map(|face| &face.probe) {
            Some(Probe::Compared(candidates)) => candidates.best(),
            _ => None,
        };
        self.last = (sighting.sequence, best);
    }

    /// Networks and gallery are loaded.
    pub fn ready(&mut self, recogniser: &str, people: People) -> Result<(), Failure> {
        let text = format!("ready: {} people, recogniser {recogniser}", people.len());
        let fields = json!({
            "recogniser": recogniser,
            "people": people.len(),
            "threshold": report::rounded(self.threshold),
        });
        self.remember(people);
        self.event("ready", fields, &text)
    }

    /// The gallery was changed.
    pub fn people(&mut self, people: People) -> Result<(), Failure> {
        let count = people.len();
        self.remember(people);
        self.event("gallery", json!({ "people": count }), &format!("gallery changed: {count} people"))
    }

    /// What decisions are measured by from now on.
    pub fn set_threshold(&mut self, threshold: f32) {
        self.threshold = threshold;
    }

    /// The threshold was computed for so many people.
    pub fn threshold(&self, people: usize, target: f64, extrapolated: bool) -> Result<(), Failure> {
        let threshold = report::rounded(self.threshold);
        let beyond = if extrapolated { ", extrapolated" } else { "" };
        let text = format!("threshold {threshold} for {people} people, target FPIR {target}{beyond}");
        let fields = json!({
            "threshold": threshold, "people": people, "target_fpir": target, "extrapolated": extrapolated,
        });
        self.event("threshold", fields, &text)
    }

    /// Something worth a line.
    pub fn note(&self, kind: &'static str, what: &str) -> Result<(), Failure> {
        self.event(kind, json!({ "what": what }), &format!("{kind}: {what}"))
    }

    /// Somebody was let in or turned away.
    pub fn decision(&self, decision: &Decision) -> Result<(), Failure> {
        let (frame, best) = self.last;
        let threshold = report::rounded(self.threshold);
        match decision {
            Decision::Grant { person, similarity, votes } => {
                let who = self.who(*person);
                let text =
                    format!("grant: {who}, similarity {similarity:.3} of {threshold} needed, {votes} votes");
                let fields = json!({
                    "decision": "grant",
                    "person": person.0,
                    "name": self.name(*person),
                    "similarity": report::rounded(*similarity),
                    "threshold": threshold,
                    "votes": votes,
                    "frame": frame,
                });
                self.event("decision", fields, &text)
            }
            Decision::Deny { reason } => {
                let similarity = best.map(|c| report::rounded(c.similarity));
                let seen = similarity
                    .map_or_else(String::new, |s| format!(", similarity {s} of {threshold} needed"));
                let fields = json!({
                    "decision": "deny",
                    "reason": reason.to_string(),
                    "similarity": similarity,
                    "threshold": threshold,
                    "frame": frame,
                });
                self.event("decision", fields, &format!("deny: {reason}{seen}"))
            }
        }
    }

    /// Something happened at the door.
    pub fn door(&self, said: &FromKeeper) -> Result<(), Failure> {
        match said {
            FromKeeper::Alive => Ok(()),
            FromKeeper::Line(on) => {
                let state = if *on { "on" } else { "off" };
                let text = format!("door line {state}: {}", if *on { "released" } else { "closed" });
                self.event("door", json!({ "line": state }), &text)
            }
            FromKeeper::Event(event) => {
                let name = name_of(*event);
                self.event("door-event", json!({ "what": name }), &format!("door: {name}"))
            }
            FromKeeper::Trouble(what) => self.note("door-trouble", what),
        }
    }

    /// The end of the record.
    pub fn summary(&self, totals: &Totals) -> Result<(), Failure> {
        let fields = serde_json::to_value(totals)?;
        self.event("summary", fields, &totals.to_string())
    }

    fn remember(&mut self, people: People) {
        if let Some(names) = &mut self.names {
            *names = people;
        }
    }

    fn name(&self, person: PersonId) -> Option<&str> {
        Some(self.names.as_ref()?.get(&person)?.name.as_str())
    }

    fn who(&self, person: PersonId) -> String {
        self.name(person).map_or_else(|| person.to_string(), |name| format!("{person} {name}"))
    }

    /// One line; absent fields are left out. A full disk under standard output does not stop the door; a
    /// reader that has gone does.
    fn event(&self, kind: &str, fields: Value, text: &str) -> Result<(), Failure> {
        let at = self.start.elapsed();
        let printed = if self.json {
            let mut line = Map::new();
            line.insert("event".to_owned(), kind.into());
            line.insert("ms".to_owned(), (at.as_millis() as u64).into());
            if let Value::Object(fields) = fields {
                line.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
            }
            report::json(&line)
        } else {
            report::line(&format!("{:9.3} s  {text}", at.as_secs_f64()))
        };
        match printed {
            Err(failure) if !report::is_reader_gone(&failure) => {
                if !self.complained.replace(true) {
                    log::warn!("the record cannot be written, the door goes on: {}", failure.error);
                }
                Ok(())
            }
            result => result,
        }
    }
}
