//! Search against a plain one that sorts everybody in f64.

mod common;

use common::*;
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, Group, Metadata, Restriction};
use mfn_template::{PersonId, Template};
use proptest::prelude::*;

/// Few under an emulator.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 6 } else { 48 };
const WIDTH: usize = 19;

fn vector() -> impl Strategy<Value = Template> {
    let values = proptest::collection::vec(-1.0f32..1.0, WIDTH);
    values.prop_filter_map("a direction", |v| Template::normalise(&v).ok())
}

fn people() -> impl Strategy<Value = Vec<Vec<Template>>> {
    proptest::collection::vec(proptest::collection::vec(vector(), 1..5), 0..300)
}

fn gallery_of(people: &[Vec<Template>], dir: &std::path::Path) -> FileGallery {
    let mut gallery = FileGallery::open(dir, &space(), WIDTH, Access::Write, &key()).unwrap();
    let enrolment = |(i, templates): (usize, &Vec<Template>)| {
        let new = |t: &Template| EnrolTemplate { template: t.clone(), quality: 1.0, taken: at(0) };
        Enrolment {
            name: name(&format!("p{i}")),
            metadata: Metadata::default(),
            templates: templates.iter().map(new).collect(),
        }
    };
    let enrolments: Vec<Enrolment> = people.iter().enumerate().map(enrolment).collect();
    gallery.enrol_all(&enrolments).unwrap();
    gallery
}

fn cosine(a: &Template, b: &Template) -> f64 {
    a.values().iter().zip(b.values()).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Everybody's best similarity, the most similar first.
fn ranking(people: &[Vec<Template>], probe: &Template) -> Vec<(u64, f64)> {
    let best = |templates: &Vec<Template>| templates.iter().map(|t| cosine(t, probe)).fold(-2.0, f64::max);
    let mut all: Vec<(u64, f64)> = people.iter().enumerate().map(|(i, t)| (i as u64 + 1, best(t))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

#[test]
fn search_is_the_plain_ranking_cut_at_k() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(people in people(), probe in vector(), k in 0usize..12)| {
        let dir = tempfile::tempdir().unwrap();
        let gallery = gallery_of(&people, dir.path());
        let found = gallery.search(&probe, k).0;
        let wanted = ranking(&people, &probe);
        prop_assert_eq!(found.len(), k.min(people.len()));
        prop_assert!(found.is_sorted_by(|a, b| a.similarity >= b.similarity));
        for (found, wanted) in found.iter().zip(&wanted) {
            prop_assert!((f64::from(found.similarity) - wanted.1).abs() < 1e-5);
            // Ranks may only differ where similarities are equal to rounding.
            let own = wanted.0 == found.person.0
                || people[found.person.0 as usize - 1].iter().any(|t| (cosine(t, &probe) - wanted.1).abs() < 1e-5);
            prop_assert!(own, "{:?} for {:?}", found, wanted);
        }
        let mut ids: Vec<PersonId> = found.iter().map(|c| c.person).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), found.len(), "a person was given twice");
    });
}

/// Enough people for the 8-bit first pass, before and after reopening.
#[test]
fn a_large_gallery_gives_the_same_ranking() {
    let wave =
        |i: usize| (0..WIDTH).map(|j| ((i * 31 + j * j * 17) as f32 * 0.61).sin()).collect::<Vec<f32>>();
    let of = |i: usize| Template::normalise(&wave(i)).unwrap();
    let people: Vec<Vec<Template>> = (0..2_500).map(|i| vec![of(2 * i), of(2 * i + 1)]).collect();
    let dir = tempfile::tempdir().unwrap();
    drop(gallery_of(&people, dir.path()));
    let gallery = FileGallery::open(dir.path(), &space(), WIDTH, Access::Read, &key()).unwrap();
    for probe in (0..40).map(|i| of(9_999 + 7 * i)) {
        let found: Vec<f64> = gallery.search(&probe, 10).0.iter().map(|c| f64::from(c.similarity)).collect();
        let wanted = ranking(&people, &probe);
        assert!(
            found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted.1).abs() < 1e-6),
            "{found:?}"
        );
    }
}

/// Everybody enrolled is found by their own templates: rows and people stay together through
/// removals, additions and reopening.
#[test]
fn rows_follow_their_people_through_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let own = |i: usize, j: usize| [1.0 + i as f32, (i * i) as f32 * 0.5, -(j as f32), 3.0 - i as f32];
    let ids: Vec<PersonId> =
        (0..6).map(|i| gallery.enrol(&name(&format!("p{i}")), &[reference(own(i, 0))]).unwrap()).collect();
    gallery.add_templates(ids[1], &[reference(own(1, 1)), reference(own(1, 2))]).unwrap();
    gallery.add_templates(ids[4], &[reference(own(4, 1))]).unwrap();
    gallery.remove(ids[2]).unwrap();
    gallery.remove(ids[0]).unwrap();
    gallery.rename(ids[4], &name("fourth")).unwrap();
    drop(gallery);
    let gallery = open(dir.path(), Access::Read).unwrap();
    for (i, j) in [(1, 0), (1, 1), (1, 2), (3, 0), (4, 0), (4, 1), (5, 0)] {
        let best = gallery.search(&template(own(i, j)), 2).best().unwrap();
        assert_eq!(best.person, ids[i]);
        assert!(best.similarity > 0.99999);
    }
    assert_eq!(gallery.find("fourth").map(|p| (p.id, p.templates.len())), Some((ids[4], 2)));
    assert_eq!(gallery.template_count(), 7);
}

#[test]
fn of_equals_the_lower_id_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let twin = [[0.3, -0.2, 0.9, 0.1]];
    let twins: Vec<Enrolment> = (0..300).map(|i| enrolment(&format!("twin {i}"), &twin)).collect();
    let ids = gallery.enrol_all(&twins).unwrap();
    let found: Vec<PersonId> = gallery.search(&template(twin[0]), 3).0.iter().map(|c| c.person).collect();
    assert_eq!(found, ids[..3]);
}

#[test]
fn a_lookalike_is_named_with_its_similarity() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    assert!(gallery.lookalike(&[template([1.0, 0.0, 0.0, 0.0])], -1.0).is_none(), "nobody is there");
    gallery
        .enrol_all(&[enrolment("Ann", &[[3.0, 4.0, 0.0, 0.0]]), enrolment("Ben", &[[0.0, 0.0, 1.0, 0.0]])])
        .unwrap();
    // (3, 4) and (4, 3): cosine 24/25.
    let probes = [template([0.0, 0.0, 0.0, 1.0]), template([4.0, 3.0, 0.0, 0.0])];
    let (person, similarity) = gallery.lookalike(&probes, 0.9).unwrap();
    assert_eq!(person.name.as_str(), "Ann");
    assert!((similarity - 0.96).abs() < 1e-6);
    assert!(gallery.lookalike(&probes, 0.97).is_none());
    assert!(gallery.lookalike(&[], 0.0).is_none());
}

#[test]
#[should_panic(expected = "another template space")]
fn a_probe_of_another_dimension_is_a_programming_error() {
    let dir = tempfile::tempdir().unwrap();
    let gallery = open(dir.path(), Access::Write).unwrap();
    let _ = gallery.search(&Template::normalise(&[1.0; 5]).unwrap(), 1);
}

/// Against the plain ranking of those whom the restriction admits.
#[test]
fn group_validity_and_being_disabled_restrict_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let group = |text| Some(Group::new(text).unwrap());
    let all = Metadata::default;
    let people = [
        Metadata { group: group("staff"), ..all() },
        Metadata { group: group("guests"), ..all() },
        Metadata { enabled: false, group: group("staff"), ..all() },
        Metadata { valid_from: Some(100), ..all() },
        Metadata { valid_until: Some(100), ..all() },
        Metadata { erase_after: Some(100), group: group("staff"), ..all() },
    ];
    for (i, metadata) in people.into_iter().enumerate() {
        let new = enrolment(&format!("p{i}"), &[[1.0, i as f32 / 10.0, 0.0, 0.0]]);
        gallery.enrol_all(&[Enrolment { metadata, ..new }]).unwrap();
    }
    let found = |group, time: Option<u64>| {
        let among = Restriction { group, valid_at: time.map(at) };
        let found = gallery.search_among(&template([1.0, 0.0, 0.0, 0.0]), 9, &among).0;
        found.iter().map(|c| c.person.0).collect::<Vec<u64>>()
    };
    assert_eq!(found(None, None), [1, 2, 3, 4, 5, 6]);
    assert_eq!(found(Some("staff"), None), [1, 3, 6]);
    assert_eq!(found(None, Some(99)), [1, 2, 5, 6]);
    assert_eq!(found(None, Some(100)), [1, 2, 4]);
    assert_eq!(found(Some("staff"), Some(99)), [1, 6]);
    assert_eq!(found(Some("staff"), Some(100)), [1]);
    assert!(found(Some("nobody"), None).is_empty());
}
