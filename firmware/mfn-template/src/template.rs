//! A template: the L2-normalised feature vector of one face, and the space that it lives in.

use std::fmt;

/// What is wrong with numbers that were to become a template.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// No values at all.
    #[error("a template needs at least one value")]
    Empty,
    /// A value that is not finite, or a vector of length zero.
    #[error(
        "feature vector of {0} values has no direction (NaN, infinite or zero): the network or its input is broken"
    )]
    NoDirection(usize),
    /// Too long, or not of the allowed characters.
    #[error("template space {0:?} is not 1 to 64 characters of a-z, 0-9, '-', '.'")]
    BadSpace(String),
}

/// An L2-normalised feature vector (512 values for the networks of this project).
#[derive(Clone, PartialEq)]
pub struct Template(Box<[f32]>);

impl Template {
    /// Normalises raw network output.
    ///
    /// # Errors
    /// When the values are empty, not finite or all zero.
    pub fn normalise(raw: &[f32]) -> Result<Template, TemplateError> {
        if raw.is_empty() {
            return Err(TemplateError::Empty);
        }
        let norm = raw.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        if !norm.is_finite() || norm < 1e-12 {
            return Err(TemplateError::NoDirection(raw.len()));
        }
        Ok(Template(raw.iter().map(|&v| (f64::from(v) / norm) as f32).collect()))
    }

    /// The values, of unit length.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Cosine similarity, -1 to 1.
    ///
    /// # Panics
    /// When the dimensions differ: templates of two template spaces must not be compared.
    #[must_use]
    pub fn similarity(&self, other: &Template) -> f32 {
        assert_eq!(self.0.len(), other.0.len(), "templates of different spaces");
        mfn_kernels::dot_f32(&self.0, &other.0).clamp(-1.0, 1.0)
    }
}

impl fmt::Debug for Template {
    /// Never prints the values: a template is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({} values)", self.0.len())
    }
}

/// Names a set of networks whose templates may be compared (an fp32 network and its int8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TemplateSpace(String);

impl TemplateSpace {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it is not 1 to 64 characters of a-z, 0-9, '-', '.'.
    pub fn new(name: &str) -> Result<TemplateSpace, TemplateError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(TemplateError::BadSpace(name.to_owned()));
        }
        Ok(TemplateSpace(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TemplateSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
