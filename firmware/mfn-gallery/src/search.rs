//! Exact search: the best template of each person counts. In a large gallery the 8-bit copies are
//! compared first, and only templates that their error bound leaves in the running are compared
//! exactly; the result is the same to the bit.

use crate::Person;
use crate::compact::{Compact, CompactProbe};
use crate::matrix::Matrix;
use crate::rows::Rows;
use mfn_kernels::Kernels;
use mfn_template::{Candidate, Candidates, Template};
use std::time::SystemTime;

/// Rows scored before their scores are looked at: the scores stay in the first-level cache.
const BLOCK: usize = 256;

/// Whom a search may find. The default restricts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restriction<'a> {
    /// Only people of this group.
    pub group: Option<&'a str>,
    /// Only people who are enabled, valid and not past their erasure date at this time.
    pub valid_at: Option<SystemTime>,
}

impl Restriction<'_> {
    fn admits(&self, person: &Person) -> bool {
        let group = person.metadata.group.as_ref().map(crate::Group::as_str);
        self.group.is_none_or(|wanted| group == Some(wanted))
            && self.valid_at.is_none_or(|time| person.metadata.valid_at(time))
    }

    fn is_none(&self) -> bool {
        self.group.is_none() && self.valid_at.is_none()
    }
}

/// The `k` best people for a probe. `people` own the rows in sequence.
pub(crate) fn search(
    matrix: &Matrix,
    people: &[Person],
    probe: &Template,
    k: usize,
    among: &Restriction<'_>,
) -> Candidates {
    assert_eq!(probe.values().len(), matrix.dimension(), "a probe of another template space");
    let mut best = Best::new(people, k, among);
    if best.wanted > 0 {
        for (first, block) in matrix.blocks() {
            match &block.compact {
                Some(compact) => search_compact(&block.rows, compact, first, probe, &mut best),
                None => search_all(&block.rows, first, probe, &mut best),
            }
        }
    }
    Candidates(best.found)
}

/// Compares every row of a block exactly.
fn search_all(rows: &Rows, first: usize, probe: &Template, best: &mut Best) {
    let kernels = Kernels::detect();
    let mut scores = [0.0f32; BLOCK];
    for (i, block) in rows.values().chunks(BLOCK * rows.dimension()).enumerate() {
        let scores = &mut scores[..block.len() / rows.dimension()];
        kernels.dot_rows_f32(probe.values(), block, scores);
        let mut bar = best.bar();
        for (j, &score) in scores.iter().enumerate() {
            if score > bar {
                bar = best.offer(first + i * BLOCK + j, score);
            }
        }
    }
}

/// Compares every row's 8-bit copy, and exactly those whose similarity may be over the bar.
fn search_compact(rows: &Rows, compact: &Compact, start: usize, probe: &Template, best: &mut Best) {
    let kernels = Kernels::detect();
    let compact_probe = CompactProbe::of(probe.values());
    let mut limits = [0.0f32; BLOCK];
    for first in (0..rows.count()).step_by(BLOCK) {
        let limits = &mut limits[..BLOCK.min(rows.count() - first)];
        compact.upper_limits(&compact_probe, first, limits);
        let mut bar = best.bar();
        for (j, &limit) in limits.iter().enumerate() {
            if limit > bar {
                let score = kernels.dot_f32(probe.values(), rows.row(first + j));
                bar = best.offer(start + first + j, score);
            }
        }
    }
}

/// The best people so far, most similar first.
struct Best<'a> {
    people: &'a [Person],
    among: &'a Restriction<'a>,
    found: Vec<Candidate>,
    wanted: usize,
}

impl<'a> Best<'a> {
    fn new(people: &'a [Person], k: usize, among: &'a Restriction<'a>) -> Best<'a> {
        let possible = match among.is_none() {
            true => people.len(),
            false => people.iter().filter(|person| among.admits(person)).count(),
        };
        let wanted = k.min(possible);
        Best { people, among, found: Vec::with_capacity(wanted + 1), wanted }
    }

    /// What a score must exceed to matter. Rows come in the order of ids, so an equal one has lost.
    fn bar(&self) -> f32 {
        match self.found.get(self.wanted - 1) {
            Some(last) => last.similarity,
            None => f32::NEG_INFINITY,
        }
    }

    /// Takes in the score of a row where it matters; returns the new bar.
    fn offer(&mut self, row: usize, score: f32) -> f32 {
        if score > self.bar() {
            let owner = self.people.partition_point(|p| p.first_row() <= row) - 1;
            let person = &self.people[owner];
            if self.among.admits(person) {
                // Rounding may lead a hair over what a cosine can be.
                self.take(Candidate { person: person.id, similarity: score.clamp(-1.0, 1.0) });
            }
        }
        self.bar()
    }

    /// Puts a candidate in its place; of one person the better stays.
    fn take(&mut self, new: Candidate) {
        if let Some(i) = self.found.iter().position(|c| c.person == new.person) {
            if self.found[i].similarity >= new.similarity {
                return;
            }
            self.found.remove(i);
        }
        let place = self.found.partition_point(|c| {
            (c.similarity, std::cmp::Reverse(c.person)) > (new.similarity, std::cmp::Reverse(new.person))
        });
        self.found.insert(place, new);
        self.found.truncate(self.wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Builder;
    use crate::person::KeyPlace;
    use crate::{Metadata, PersonName, TemplateNote};
    use mfn_template::PersonId;
    use proptest::prelude::*;

    fn person(i: usize, first_row: usize) -> Person {
        let name = PersonName::new(&format!("p{i}")).unwrap();
        let note = TemplateNote { taken_unix: 0, quality: 1.0 };
        let metadata = Metadata { enabled: !i.is_multiple_of(3), ..Metadata::default() };
        let key = KeyPlace { entry: 0, serial: [0; 16] };
        let templates = crate::TemplateNotes::new(vec![note; 3]).unwrap();
        let (metadata, first_row) = (metadata.into(), first_row as u32);
        Person { id: PersonId(i as u64), name, metadata, templates, key, first_row }
    }

    /// Directions that crowd around few centres: many similarities closer than the bound.
    fn crowd() -> impl Strategy<Value = Vec<Template>> {
        let jitter = proptest::collection::vec(-0.02f32..0.02, 40);
        let template = (0usize..4, jitter).prop_map(|(centre, mut v)| {
            v[centre] += 1.0;
            v[centre + 4] -= 0.7;
            Template::normalise(&v).unwrap()
        });
        proptest::collection::vec(template, 1..400)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(target_arch = "aarch64") { 6 } else { 60 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_first_pass_changes_nothing(templates in crowd(), k in 0usize..8) {
            let (probe, templates) = templates.split_last().unwrap();
            let count = templates.len() / 3 * 3;
            let matrix = |large| {
                let mut builder = Builder::new(40, count, large);
                templates[..count].iter().for_each(|template| builder.push(template.values()));
                builder.finish()
            };
            let (rows, compact) = (matrix(false), matrix(true));
            let people: Vec<Person> = (0..count / 3).map(|i| person(i, 3 * i)).collect();
            let all = Restriction::default();
            let plain = search(&rows, &people, probe, k, &all);
            prop_assert_eq!(search(&compact, &people, probe, k, &all), plain);
            let valid = Restriction { valid_at: Some(SystemTime::UNIX_EPOCH), ..all };
            let some = search(&rows, &people, probe, k, &valid);
            prop_assert_eq!(search(&compact, &people, probe, k, &valid), some.clone());
            let mut wanted = search(&rows, &people, probe, people.len(), &all).0;
            wanted.retain(|c| c.person.0 % 3 != 0);
            wanted.truncate(k);
            prop_assert_eq!(some.0, wanted);
        }
    }
}
