//! Which names people may have.

use mfn_gallery::{NameError, PersonName};
use proptest::prelude::*;

#[test]
fn names_of_many_scripts_are_taken_as_they_are() {
    for good in
        ["A", "José Núñez", "李小龍", "Мария", "محمد", "می‌خواهم", "O'Neil-Smith, 3rd", "👩‍🚀", &"é".repeat(64)]
    {
        assert_eq!(PersonName::new(good).unwrap().as_str(), good);
    }
}

#[test]
fn each_rule_has_its_own_message() {
    use NameError::*;
    let cases = [
        ("", Empty),
        (" \t ", Empty),
        (&"x".repeat(129), TooLong { bytes: 129, max: 128 }),
        (&"é".repeat(65), TooLong { bytes: 130, max: 128 }),
        (&"x".repeat(10_000), TooLong { bytes: 10_000, max: 128 }),
        (" Ann", OuterBlank),
        ("Ann\u{3000}", OuterBlank),
        ("../etc/passwd", Slash(3)),
        ("a\\b", Slash(2)),
        ("a\0b", Control { code: 0, position: 2 }),
        ("Ann\n", Control { code: 10, position: 4 }),
        ("A\u{1b}[31m", Control { code: 27, position: 2 }),
        ("évil\u{202E}nnA", Control { code: 0x202E, position: 5 }),
    ];
    for (text, error) in cases {
        assert_eq!(PersonName::new(text), Err(error), "{text:?}");
    }
    assert_eq!(
        PersonName::new("Ann\n").unwrap_err().to_string(),
        "the name contains a control character (U+000A, character 4): remove it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is typed: a name that keeps the rules, or an error; never a panic.
    #[test]
    fn any_text(text in any::<String>()) {
        if let Ok(name) = PersonName::new(&text) {
            prop_assert!(!text.is_empty() && text.len() <= PersonName::MAX_BYTES);
            prop_assert_eq!(name.as_str(), text.trim());
            prop_assert!(!text.contains(['/', '\\']) && !text.contains(char::is_control));
        }
    }
}
