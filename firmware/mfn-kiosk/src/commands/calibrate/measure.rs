//! Similarities of one person and of different people. Pure: templates in, similarities out.

use mfn_rates::{Rate, approach_score};
use mfn_template::Template;

/// Templates of one person: references of somebody enrolled, or photographs of a stranger.
pub struct Subject {
    /// In the order in which they were taken.
    pub templates: Vec<Template>,
}

/// Everything that was measured.
#[derive(Default)]
pub struct Measured {
    /// Each reference against the person's other ones: the best of them.
    pub mated: Vec<f32>,
    /// People with more than one reference.
    pub mated_people: u64,
    /// Each template against every other person who is enrolled: the best of that person's references.
    pub non_mated: Vec<f32>,
    /// The same for whole approaches: the templates of one person are the frames, and so many must vote.
    pub pairs: Vec<f32>,
    /// The best of an approach's pairs: what lets it in or not.
    pub approaches: Vec<f32>,
}

impl Measured {
    /// Compares everybody with everybody who is enrolled.
    pub fn of(enrolled: &[Subject], strangers: &[Subject], votes: usize, step: &dyn Fn()) -> Measured {
        let mut measured = Measured::default();
        for (i, person) in enrolled.iter().enumerate() {
            measured.add_mated(person);
            measured.add_approach(person, enrolled, Some(i), votes);
            step();
        }
        for stranger in strangers {
            measured.add_approach(stranger, enrolled, None, votes);
            step();
        }
        measured
    }

    fn add_mated(&mut self, person: &Subject) {
        if person.templates.len() < 2 {
            return;
        }
        self.mated_people += 1;
        for (i, probe) in person.templates.iter().enumerate() {
            let others = person.templates.iter().enumerate().filter(|(j, _)| *j != i);
            self.mated.push(best(probe, others.map(|(_, reference)| reference)));
        }
    }

    /// Somebody walks up as a stranger to everybody but themselves.
    fn add_approach(&mut self, subject: &Subject, enrolled: &[Subject], own: Option<usize>, votes: usize) {
        let first = self.pairs.len();
        for (_, person) in enrolled.iter().enumerate().filter(|(i, _)| Some(*i) != own) {
            let frames: Vec<f32> =
                subject.templates.iter().map(|probe| best(probe, person.templates.iter())).collect();
            self.pairs.push(approach_score(&frames, votes));
            self.non_mated.extend(frames);
        }
        self.approaches.extend(self.pairs[first..].iter().copied().max_by(f32::total_cmp));
    }

    /// People behind the comparisons of different people.
    pub fn people(&self) -> u64 {
        self.approaches.len() as u64
    }

    /// Comparisons of one photograph with one other person that reach the threshold.
    pub fn fmr(&self, threshold: f32) -> Rate {
        reaching(&self.non_mated, threshold)
    }

    /// Comparisons of one photograph with the right person that do not reach it.
    pub fn fnmr(&self, threshold: f32) -> Rate {
        let Rate { count, trials } = reaching(&self.mated, threshold);
        Rate { count: trials - count, trials }
    }

    /// Approaches of strangers that would be let in.
    pub fn fpir(&self, threshold: f32) -> Rate {
        reaching(&self.approaches, threshold)
    }
}

fn best<'a>(probe: &Template, references: impl Iterator<Item = &'a Template>) -> f32 {
    references.map(|reference| probe.similarity(reference)).fold(-1.0, f32::max)
}

fn reaching(similarities: &[f32], threshold: f32) -> Rate {
    let count = similarities.iter().filter(|s| **s >= threshold).count() as u64;
    Rate { count, trials: similarities.len() as u64 }
}

/// Lowest, middle and highest; none of nothing.
pub fn spread(similarities: &[f32]) -> Option<[f32; 3]> {
    let mut sorted = similarities.to_vec();
    sorted.sort_by(f32::total_cmp);
    Some([*sorted.first()?, sorted[sorted.len() / 2], *sorted.last()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Templates in the plane: similarities are cosines of the angles between them.
    fn subject(degrees: &[f32]) -> Subject {
        let template = |degree: &f32| {
            let angle = degree.to_radians();
            Template::normalise(&[angle.cos(), angle.sin()]).unwrap()
        };
        Subject { templates: degrees.iter().map(template).collect() }
    }

    #[test]
    fn worked_out_by_hand() {
        // Ada at 0 and 60 degrees, Bea at 90, a stranger at 120 and 180.
        let (enrolled, strangers) = ([subject(&[0.0, 60.0]), subject(&[90.0])], [subject(&[120.0, 180.0])]);
        let cosines = |wanted: &[f32], found: &[f32]| {
            assert_eq!(wanted.len(), found.len(), "{found:?}");
            let wanted = wanted.iter().map(|degrees| degrees.to_radians().cos());
            assert!(wanted.zip(found).all(|(w, f)| (w - f).abs() < 1e-5), "{found:?}");
        };
        let one = Measured::of(&enrolled, &strangers, 1, &|| {});
        cosines(&[60.0, 60.0], &one.mated);
        assert_eq!((one.mated_people, one.people()), (1, 3));
        // Ada's two against Bea, Bea's against Ada's nearest, the stranger's two against Ada and against Bea.
        cosines(&[90.0, 30.0, 30.0, 60.0, 120.0, 30.0, 90.0], &one.non_mated);
        cosines(&[30.0, 30.0, 60.0, 30.0], &one.pairs);
        cosines(&[30.0, 30.0, 30.0], &one.approaches);
        // With two votes both frames must reach it; Bea has one only, which stands for more.
        let two = Measured::of(&enrolled, &strangers, 2, &|| {});
        cosines(&[90.0, 30.0, 120.0, 90.0], &two.pairs);
        cosines(&[90.0, 30.0, 90.0], &two.approaches);
        assert_eq!(two.fpir(0.5), Rate { count: 1, trials: 3 });
        assert_eq!(one.fpir(0.5), Rate { count: 3, trials: 3 });
        assert_eq!(one.fmr(0.6), Rate { count: 3, trials: 7 });
        assert_eq!(one.fnmr(0.6), Rate { count: 2, trials: 2 });
        let [low, _, high] = spread(&one.non_mated).unwrap();
        cosines(&[120.0, 30.0], &[low, high]);
        assert_eq!(spread(&[]), None);
    }
}
