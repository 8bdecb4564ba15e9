//! Prints settings as a configuration file that explains itself.

use std::fmt::Write as _;

use super::schema::Key;
use super::settings::{SECTIONS, Settings};

/// Valid TOML with every setting, its value, meaning and range.
pub fn render(settings: &Settings) -> String {
    let values = toml::Value::try_from(settings).expect("settings are plain tables of scalars");
    let mut text = String::from(
        "# mfn-kiosk configuration. Every setting is here with its value; what is left out has its default.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.doc);
        let _ = writeln!(text, "[{}]", section.name);
        for key in section.keys {
            comment(&mut text, key.doc);
            if let Some((least, largest)) = key.range {
                let _ = writeln!(text, "# Range: {least} to {largest}.");
            }
            let value = toml_text(&values[section.name][key.name]);
            let _ = writeln!(text, "{} = {value}", key.name);
        }
    }
    text
}

/// One value as TOML.
fn toml_text(value: &toml::Value) -> String {
    value.to_string()
}

/// Documentation lines as comments.
fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(text, "#{}{}", if line.is_empty() { "" } else { " " }, line.trim());
    }
}

/// The range as an error message says it.
pub fn range(key: &Key) -> String {
    key.range.map_or_else(String::new, |(least, largest)| format!("{least} to {largest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_parses_back_to_the_same_settings() {
        let mut settings = Settings::default();
        assert_eq!(toml::from_str::<Settings>(&render(&settings)).unwrap(), settings);
        settings.camera.source = "C:\\odd \"name\"\n".to_owned();
        assert_eq!(toml::from_str::<Settings>(&render(&settings)).unwrap(), settings);
    }

    #[test]
    fn every_field_is_printed_with_a_meaning() {
        let text = render(&Settings::default());
        let toml::Value::Table(tables) = toml::Value::try_from(Settings::default()).unwrap() else {
            panic!("settings are a table");
        };
        assert_eq!(tables.len(), SECTIONS.len());
        for section in SECTIONS {
            let keys = tables[section.name].as_table().unwrap();
            assert_eq!(keys.len(), section.keys.len(), "[{}]", section.name);
            for key in section.keys {
                assert!(text.contains(&format!("\n{} = ", key.name)), "{} is not printed", key.name);
                assert!(key.doc.iter().any(|line| line.len() > 15), "{} is not explained", key.name);
            }
        }
    }

    #[test]
    fn every_number_has_a_range_that_holds_its_default() {
        let values = toml::Value::try_from(Settings::default()).unwrap();
        for section in SECTIONS {
            for key in section.keys {
                let value = &values[section.name][key.name];
                let Some(number) = super::super::parse::number(value) else { continue };
                let (least, largest) =
                    key.range.unwrap_or_else(|| panic!("{}.{} has no range", section.name, key.name));
                assert!((least..=largest).contains(&number), "{}.{}", section.name, key.name);
            }
        }
    }
}
