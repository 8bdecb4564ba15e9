//! Checked types as JSON: each parsed by its own constructor, so that a message cannot hold a wrong one.

use mfn_gallery::{Group, Note, PersonName};
use mfn_template::{Template, TemplateSpace};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest text of an origin ("frame 12", a file's name) in bytes; longer ones are cut.
const ORIGIN: usize = 200;

macro_rules! as_text {
    ($module:ident, $type:ty, $parse:expr) => {
        pub(crate) mod $module {
            use super::*;

            pub(crate) fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                value.as_str().serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                $parse(&String::deserialize(from)?).map_err(D::Error::custom)
            }
        }
    };
}

as_text!(name, PersonName, PersonName::new);
as_text!(note, Note, Note::new);
as_text!(space, TemplateSpace, TemplateSpace::new);

pub(crate) mod group {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<Group>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Group::as_str).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Group>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| Group::new(&text)).transpose().map_err(D::Error::custom)
    }
}

pub(crate) mod template {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Template, to: S) -> Result<S::Ok, S::Error> {
        value.values().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Template, D::Error> {
        Template::normalise(&Vec::<f32>::deserialize(from)?).map_err(D::Error::custom)
    }
}

pub(crate) mod quality {
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        let value = f32::deserialize(from)?;
        let sound = (0.0..=1.0).contains(&value);
        sound.then_some(value).ok_or_else(|| D::Error::custom("a quality is 0 to 1"))
    }
}

pub(crate) mod origin {
    use super::*;

    /// What a message may show on a terminal: no control characters, no more than a line.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        let mut text = String::deserialize(from)?;
        text.retain(|c| !c.is_control());
        text.truncate(text.floor_char_boundary(ORIGIN));
        Ok(text)
    }
}
