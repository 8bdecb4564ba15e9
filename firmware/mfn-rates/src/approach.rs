//! One approach after the vote.

/// The highest threshold at which an approach is still taken for one person: `votes` of its frames must
/// reach it, so it is the `votes`-th largest of the frames' similarities to that person. Fewer frames than
/// votes stand for an approach whose other frames are as good as the best: then it is the largest.
/// Frames without a number (NaN) do not count; with none left nothing is reached (-1).
pub fn approach_score(similarities: &[f32], votes: usize) -> f32 {
    let mut sorted: Vec<f32> = similarities.iter().copied().filter(|s| !s.is_nan()).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let place = if sorted.len() < votes { 0 } else { votes.saturating_sub(1) };
    sorted.get(place).copied().unwrap_or(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_out_by_hand() {
        let frames = [0.2, 0.5, 0.1, 0.4, 0.3];
        assert_eq!(approach_score(&frames, 1), 0.5);
        assert_eq!(approach_score(&frames, 3), 0.3);
        assert_eq!(approach_score(&frames, 5), 0.1);
        assert_eq!(approach_score(&frames[..2], 3), 0.5);
        assert_eq!(approach_score(&[f32::NAN, 0.1, 0.2], 2), 0.1);
        assert_eq!(approach_score(&[], 3), -1.0);
    }
}
