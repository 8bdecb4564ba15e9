//! Text of a configuration file to [`Settings`]: unknown keys and values out of range are refused
//! with their line and, for keys, the nearest known one.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::render;
use super::schema::Section;
use super::settings::{SECTIONS, Settings};

/// What is wrong with the text; the file's name is added by the caller.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// Counts from 1.
    pub line: usize,
    /// What, and what to write instead.
    pub what: String,
}

/// Reads and checks a whole configuration file.
///
/// # Errors
/// On the first thing that is not TOML, not a known key, of a wrong type, or out of its range.
pub fn parse(text: &str) -> Result<Settings, ParseError> {
    let at = |span: Range<usize>, what: String| ParseError { line: line_of(text, span.start), what };
    let of_toml = |e: toml::de::Error| {
        let what = e.message().lines().collect::<Vec<_>>().join(", ");
        at(e.span().unwrap_or(0..0), what)
    };
    let root = DeTable::parse(text).map_err(of_toml)?;
    if let Some((span, what)) = unknown_key(root.get_ref()) {
        return Err(at(span, what));
    }
    let settings: Settings = toml::from_str(text).map_err(of_toml)?;
    match out_of_range(&settings) {
        None => Ok(settings),
        Some((section, key, what)) => Err(at(span_of(root.get_ref(), section, key).unwrap_or(0..0), what)),
    }
}

/// A TOML number, integer or float.
pub fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|i| i as f64))
}

/// The first section or key that no setting has, with what may have been meant.
fn unknown_key(root: &DeTable<'_>) -> Option<(Range<usize>, String)> {
    let mut first: Option<(Range<usize>, String)> = None;
    let mut report = |span: Range<usize>, what: String| {
        if first.as_ref().is_none_or(|(known, _)| span.start < known.start) {
            first = Some((span, what));
        }
    };
    for (name, value) in root {
        let Some(section) = SECTIONS.iter().find(|s| s.name == name.get_ref()) else {
            report(name.span(), unknown_section(name.get_ref()));
            continue;
        };
        let DeValue::Table(keys) = value.get_ref() else { continue };
        for (key, _) in keys {
            if !section.keys.iter().any(|k| k.name == key.get_ref()) {
                report(key.span(), unknown_in(section, key.get_ref()));
            }
        }
    }
    first
}

/// Message for a name at the top level: a misspelt section, or a key whose section is missing.
fn unknown_section(name: &str) -> String {
    let sections = SECTIONS.iter().map(|s| s.name.to_owned());
    let keys = SECTIONS.iter().flat_map(|s| s.keys.iter().map(|k| format!("{}.{}", s.name, k.name)));
    let home = keys.filter(|path| path.rsplit('.').next() == Some(name));
    let meant = nearest(name, sections.chain(home).collect());
    format!("unknown setting {name:?}{}", did_you_mean(meant))
}

/// Message for a key inside a known section; other sections' keys of that very name are offered too.
fn unknown_in(section: &Section, name: &str) -> String {
    let own = section.keys.iter().map(|k| k.name.to_owned());
    let elsewhere = SECTIONS.iter().filter(|s| s.keys.iter().any(|k| k.name == name));
    let meant = match elsewhere.map(|s| format!("{}.{name}", s.name)).next() {
        Some(path) => Some(path),
        None => nearest(name, own.collect()),
    };
    format!("unknown setting {name:?} in [{}]{}", section.name, did_you_mean(meant))
}

/// The known name that is most like `name`, if any is like it at all.
fn nearest(name: &str, known: Vec<String>) -> Option<String> {
    let short = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let likeness = |path: &String| strsim::jaro_winkler(name, &short(path));
    let best = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.7).then_some(best)
}

fn did_you_mean(meant: Option<String>) -> String {
    match meant {
        Some(meant) => format!("; did you mean {meant:?}?"),
        None => "; `mfn-kiosk config` prints all settings".to_owned(),
    }
}

/// The first number that is not within its range.
fn out_of_range(settings: &Settings) -> Option<(&'static str, &'static str, String)> {
    let values = toml::Value::try_from(settings).expect("settings are plain tables of scalars");
    for section in SECTIONS {
        for key in section.keys {
            let (Some((least, largest)), Some(value)) = (key.range, number(&values[section.name][key.name]))
            else {
                continue;
            };
            if !(least..=largest).contains(&value) {
                let what = format!(
                    "{}.{} = {value} is out of its range {}",
                    section.name,
                    key.name,
                    render::range(key)
                );
                return Some((section.name, key.name, what));
            }
        }
    }
    None
}

fn span_of(root: &DeTable<'_>, section: &str, key: &str) -> Option<Range<usize>> {
    root.get(section)?.get_ref().as_table()?.get_key_value(key).map(|(key, _)| key.span())
}

/// The line, from 1, that a byte offset is on.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&b| b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (usize, String) {
        let error = parse(text).expect_err(text);
        (error.line, error.what)
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse(""), Ok(Settings::default()));
    }

    #[test]
    fn unknown_keys_are_named_with_line_and_nearest_key() {
        let (line, what) = wrong("\n[detector]\nwidth = 640\nhight = 480\n");
        assert_eq!(line, 4);
        assert!(what.contains("\"hight\" in [detector]; did you mean \"height\"?"), "{what}");
        let (line, what) = wrong("[camra]\nsize = \"1x1\"\n");
        assert_eq!(line, 1);
        assert!(what.contains("did you mean \"camera\"?"), "{what}");
    }

    #[test]
    fn a_key_of_another_section_is_shown_its_home() {
        assert!(wrong("pulse_s = 3\n").1.contains("\"door.pulse_s\""));
        assert!(wrong("[camera]\npulse_s = 3\n").1.contains("\"door.pulse_s\""));
    }

    #[test]
    fn a_key_like_no_other_points_to_the_list() {
        assert!(wrong("[door]\nzzz = 1\n").1.contains("mfn-kiosk config"));
    }

    #[test]
    fn values_out_of_range_and_of_wrong_type_have_their_line() {
        let (line, what) = wrong("[detector]\n# comment\nwidth = 1\n");
        assert_eq!(line, 3);
        assert!(what.contains("detector.width = 1 is out of its range"), "{what}");
        assert_eq!(wrong("[door]\n\npulse_s = \"three\"\n").0, 3);
        assert_eq!(wrong("[door]\npulse_s = nan\n").0, 2);
        assert_eq!(wrong("[door]\npulse_s =\n").0, 2);
        assert_eq!(wrong("door = 3\n").0, 1);
    }
}
