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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Parameter;

    fn parameter(role: Role, values: &[f32]) -> Parameter {
        Parameter { name: "w".into(), shape: vec![values.len()], role, values: values.to_vec() }
    }

    #[test]
    fn up_by_rho_along_the_gradient_and_back() {
        let list = vec![
            parameter(Role::Weight, &[1.0, 2.0]),
            parameter(Role::Scale, &[3.0]),
            parameter(Role::Statistic, &[5.0]),
        ];
        let mut set = ParameterSet { list };
        let before = set.clone();
        // The gradient's length is 13: 0.13 along (3, 4, 12) / 13.
        let gradients = [vec![3.0, 4.0], vec![12.0], Vec::new()];
        let ascent = Ascent::climb(&mut set, &gradients, 0.13);
        let moved: Vec<f32> = set.list.iter().flat_map(|p| p.values.clone()).collect();
        for (got, expected) in moved.iter().zip([1.03, 2.04, 3.12, 5.0]) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
        set.list[2].values[0] = 6.0;
        ascent.descend(&mut set);
        assert_eq!(set.list[..2], before.list[..2]);
        assert_eq!(set.list[2].values, [6.0], "statistics keep what they have become");
    }
}
