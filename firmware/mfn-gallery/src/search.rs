//! Exact search: every template is compared, the best of each person counts.

use crate::Person;
use crate::rows::Rows;
use mfn_kernels::Kernels;
use mfn_template::{Candidate, Candidates, Template};

/// Rows scored before their scores are looked at: the scores stay in the first-level cache.
const BLOCK: usize = 256;

/// The `k` best people for a probe. `people` own the rows in sequence.
pub(crate) fn search(rows: &Rows, people: &[Person], probe: &Template, k: usize) -> Candidates {
    assert_eq!(probe.values().len(), rows.dimension(), "a probe of another template space");
    let mut best = Best::new(k.min(people.len()));
    let kernels = Kernels::detect();
    let mut scores = [0.0f32; BLOCK];
    for (i, block) in rows.values().chunks(BLOCK * rows.dimension()).enumerate() {
        let scores = &mut scores[..block.len() / rows.dimension()];
        kernels.dot_rows_f32(probe.values(), block, scores);
        best.offer(people, i * BLOCK, scores);
    }
    Candidates(best.found)
}

/// The best people so far, most similar first.
struct Best {
    found: Vec<Candidate>,
    wanted: usize,
}

impl Best {
    fn new(wanted: usize) -> Best {
        Best { found: Vec::with_capacity(wanted + 1), wanted }
    }

    /// What a score must exceed to matter. Rows come in the order of ids, so an equal one has lost.
    fn bar(&self) -> f32 {
        match self.found.get(self.wanted.wrapping_sub(1)) {
            _ if self.wanted == 0 => f32::INFINITY,
            Some(last) => last.similarity,
            None => f32::NEG_INFINITY,
        }
    }

    /// Takes in the scores of the rows from `first_row` on.
    fn offer(&mut self, people: &[Person], first_row: usize, scores: &[f32]) {
        let mut bar = self.bar();
        for (i, &score) in scores.iter().enumerate() {
            if score > bar {
                let row = first_row + i;
                let owner = people.partition_point(|p| p.first_row <= row) - 1;
                self.take(Candidate { person: people[owner].id, similarity: score.min(1.0) });
                bar = self.bar();
            }
        }
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
