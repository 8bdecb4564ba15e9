//! In which order faces are shown: a pure function of seed and position, so that a run can go on
//! from any step.

use super::Span;

/// One view of one face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Number of the face in `Dataset::train`.
    pub face: usize,
    /// How often it was due before: its views differ by it.
    pub round: u64,
}

/// The order of a data set. An epoch shows every source as often as its share says.
#[derive(Clone, Debug)]
pub struct Order {
    spans: Vec<Span>,
    seed: u64,
    epoch: Option<(u64, Vec<Slot>)>,
}

impl Order {
    /// An order of these sources.
    pub fn new(spans: &[Span], seed: u64) -> Self {
        Self { spans: spans.to_vec(), seed, epoch: None }
    }

    /// Views in one epoch.
    pub fn epoch_len(&self) -> usize {
        self.spans.iter().map(shown).sum()
    }

    /// The slots of the step that begins after `seen` views.
    pub fn batch(&mut self, seen: u64, size: usize) -> Vec<Slot> {
        (seen..seen + size as u64).map(|position| self.slot(position)).collect()
    }

    fn slot(&mut self, position: u64) -> Slot {
        let len = self.epoch_len() as u64;
        let epoch = position / len;
        if self.epoch.as_ref().is_none_or(|(at, _)| *at != epoch) {
            self.epoch = Some((epoch, self.deal(epoch)));
        }
        self.epoch.as_ref().expect("it was just dealt").1[(position % len) as usize]
    }

    /// Each source goes on where its own endless row of shuffled rounds stood; then all are mixed.
    fn deal(&self, epoch: u64) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(self.epoch_len());
        for (number, span) in self.spans.iter().enumerate().filter(|(_, s)| s.len > 0) {
            let (count, len) = (shown(span) as u64, span.len as u64);
            let mut round = (u64::MAX, Vec::new());
            for place in epoch * count..(epoch + 1) * count {
                if round.0 != place / len {
                    let mut faces: Vec<usize> = (span.start..span.start + span.len).collect();
                    generator(&[self.seed, number as u64, place / len]).shuffle(&mut faces);
                    round = (place / len, faces);
                }
                slots.push(Slot { face: round.1[(place % len) as usize], round: round.0 });
            }
        }
        generator(&[self.seed, u64::MAX, epoch]).shuffle(&mut slots);
        slots
    }
}

fn shown(span: &Span) -> usize {
    (span.len as f64 * span.share).round() as usize
}

/// A random generator for one place in the run: the numbers are mixed by splitmix64's finaliser
/// (Steele et al. 2014), so that neighbouring places do not resemble each other.
pub fn generator(numbers: &[u64]) -> fastrand::Rng {
    let seed = numbers.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |state, number| {
        let mut z = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    });
    fastrand::Rng::with_seed(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans() -> Vec<Span> {
        vec![Span { start: 0, len: 10, share: 2.0 }, Span { start: 10, len: 30, share: 0.5 }]
    }

    #[test]
    fn shares_decide_how_often_a_face_is_shown() {
        let mut order = Order::new(&spans(), 5);
        assert_eq!(order.epoch_len(), 35);
        let two_epochs = order.batch(0, 70);
        for face in 0..40 {
            let times = two_epochs.iter().filter(|s| s.face == face).count();
            assert_eq!(times, if face < 10 { 4 } else { 1 }, "face {face}");
        }
    }

    #[test]
    fn any_step_can_be_the_first() {
        let whole = Order::new(&spans(), 5).batch(0, 100);
        let later = Order::new(&spans(), 5).batch(64, 36);
        assert_eq!(whole[64..], later);
        assert_ne!(Order::new(&spans(), 6).batch(0, 100), whole);
    }

    #[test]
    fn no_view_is_shown_twice() {
        let mut all = Order::new(&spans(), 5).batch(0, 350);
        all.sort_by_key(|s| (s.face, s.round));
        all.dedup();
        assert_eq!(all.len(), 350);
    }
}
