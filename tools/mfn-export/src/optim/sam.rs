//! Sharpness-aware minimisation (Foret et al. 2021): up to the worst point nearby, and back.

use super::step::length;
use crate::net::{ParameterSet, Role};

/// The weights before the ascent.
pub struct Ascent {
    before: Vec<Vec<f32>>,
}

impl Ascent {
    /// Moves the weights by `rho` along the gradient's direction; the second pass is taken there.
    pub fn climb(set: &mut ParameterSet, gradients: &[Vec<f32>], rho: f64) -> Self {
        let before = set.list.iter().map(|p| p.values.clone()).collect();
        let factor = (rho / (length(gradients) + 1e-12)) as f32;
        for (parameter, gradient) in set.list.iter_mut().zip(gradients) {
            for (w, g) in parameter.values.iter_mut().zip(gradient) {
                *w += factor * g;
            }
        }
        Self { before }
    }

    /// Puts the weights back exactly; running statistics keep what they have become.
    pub fn descend(self, set: &mut ParameterSet) {
        for (parameter, before) in set.list.iter_mut().zip(self.before) {
            if parameter.role != Role::Statistic {
                parameter.values = before;
            }
        }
    }
}
