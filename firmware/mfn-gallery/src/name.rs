//! A person's name, checked once.

use smol_str::SmolStr;
use std::fmt;
use std::str::FromStr;

/// Why a text is no name. The text itself is not repeated: it may be long or unprintable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or blanks only.
    #[error("the name is empty: give at least one visible character")]
    Empty,
    /// Over the limit of its kind.
    #[error("the text has {bytes} bytes, over the {max} that are allowed: shorten it")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// Blanks at an end.
    #[error("the name begins or ends with a blank: remove it")]
    OuterBlank,
    /// `/` or `\`.
    #[error("the name contains a slash (character {0}): use another character")]
    Slash(usize),
    /// A control character, a line separator or a change of writing direction.
    #[error("the name contains a control character (U+{code:04X}, character {position}): remove it")]
    Control {
        /// Which.
        code: u32,
        /// Where, counted in characters from 1.
        position: usize,
    },
}

/// 1 to 128 bytes of UTF-8 without control characters, slashes or outer blanks. Names are equal
/// when their bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonName(SmolStr);

impl PersonName {
    /// Longest name in bytes of UTF-8.
    pub const MAX_BYTES: usize = 128;

    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it breaks a rule; the message says which and what to do.
    pub fn new(text: &str) -> Result<PersonName, NameError> {
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > PersonName::MAX_BYTES {
            return Err(NameError::TooLong { bytes: text.len(), max: PersonName::MAX_BYTES });
        }
        for (i, c) in text.chars().enumerate() {
            if is_control(c) {
                return Err(NameError::Control { code: u32::from(c), position: i + 1 });
            }
            if matches!(c, '/' | '\\') {
                return Err(NameError::Slash(i + 1));
            }
        }
        if text.trim() != text {
            return Err(NameError::OuterBlank);
        }
        Ok(PersonName(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and the invisible marks that change the
/// writing direction: they let one name be shown as another (Unicode TR 36, section 2.5).
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

impl FromStr for PersonName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<PersonName, NameError> {
        PersonName::new(text)
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
