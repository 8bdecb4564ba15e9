//! What a template may be made of, what similarity means, and the words around them.

use mfn_template::{Candidate, Candidates, PersonId, Template, TemplateError, TemplateSpace};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

/// Network outputs: 512 values, not all of them small.
fn raw() -> impl Strategy<Value = Vec<f32>> {
    proptest::collection::vec(-30.0f32..30.0, 512)
        .prop_filter("a direction", |v| v.iter().any(|x| x.abs() > 0.1))
}

#[test]
fn a_template_has_length_one_and_is_most_similar_to_itself() {
    proptest!(config(), |(a in raw(), b in raw(), scale in 0.01f32..100.0)| {
        let (a_template, b) = (Template::normalise(&a).unwrap(), Template::normalise(&b).unwrap());
        let length: f64 = a_template.values().iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        prop_assert!((length - 1.0).abs() < 1e-5);
        prop_assert!((a_template.similarity(&a_template) - 1.0).abs() < 1e-5);
        prop_assert!(a_template.similarity(&b) <= 1.0 && a_template.similarity(&b) >= -1.0);
        prop_assert_eq!(a_template.similarity(&b), b.similarity(&a_template));
        let scaled: Vec<f32> = a.iter().map(|v| v * scale).collect();
        let scaled = Template::normalise(&scaled).unwrap();
        prop_assert!((a_template.similarity(&scaled) - 1.0).abs() < 1e-5, "length must not count");
    });
}

/// Worked out by hand: (3, 4) and (4, 3) have cosine 24/25; opposite directions -1, right angles 0.
#[test]
fn similarity_by_hand() {
    let template = |v: &[f32]| Template::normalise(v).unwrap();
    assert!((template(&[3.0, 4.0]).similarity(&template(&[4.0, 3.0])) - 0.96).abs() < 1e-6);
    assert!((template(&[3.0, 4.0]).similarity(&template(&[-6.0, -8.0])) + 1.0).abs() < 1e-6);
    assert!(template(&[3.0, 4.0]).similarity(&template(&[-4.0, 3.0])).abs() < 1e-6);
}

#[test]
fn numbers_without_a_direction_are_refused() {
    assert_eq!(Template::normalise(&[]), Err(TemplateError::Empty));
    for bad in [0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(Template::normalise(&[bad; 3]), Err(TemplateError::NoDirection(3)), "{bad}");
    }
    assert_eq!(Template::normalise(&[1.0, f32::NAN]), Err(TemplateError::NoDirection(2)));
    // Large finite values overflow f32 when squared; they have a direction all the same.
    let large = Template::normalise(&[3e38, 0.0]).unwrap();
    assert_eq!(large.values(), [1.0, 0.0]);
}

#[test]
#[should_panic(expected = "different spaces")]
fn templates_of_two_spaces_are_not_compared() {
    let template = |v: &[f32]| Template::normalise(v).unwrap();
    let _ = template(&[1.0]).similarity(&template(&[1.0, 2.0]));
}

#[test]
fn debug_output_keeps_the_values_to_itself() {
    let template = Template::normalise(&[1.0, 2.0]).unwrap();
    assert_eq!(format!("{template:?}"), "Template(2 values)");
}

#[test]
fn names_of_spaces() {
    assert_eq!(TemplateSpace::new("mfn-2.1m.v3").unwrap().to_string(), "mfn-2.1m.v3");
    for bad in ["", "Upper", "a b", "é", "a/b", &"x".repeat(65)] {
        assert_eq!(TemplateSpace::new(bad), Err(TemplateError::BadSpace(bad.to_owned())));
    }
}

#[test]
fn margin_is_the_lead_over_the_next_person() {
    let of = |similarities: &[f32]| {
        let candidate = |(i, &similarity)| Candidate { person: PersonId(i as u64), similarity };
        Candidates(similarities.iter().enumerate().map(candidate).collect())
    };
    assert_eq!((of(&[]).best(), of(&[]).margin()), (None, None));
    assert_eq!(of(&[0.75]).margin(), Some(1.75));
    assert_eq!(of(&[0.75, 0.5, 0.25]).margin(), Some(0.25));
    assert_eq!(of(&[0.75, 0.5]).best().map(|c| c.person), Some(PersonId(0)));
}
