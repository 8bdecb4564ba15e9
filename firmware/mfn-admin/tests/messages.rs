//! Requests survive the wire unchanged; any other bytes are refused without a panic.

use mfn_admin::{
    Change, HEADER, MAX_REFERENCES, MAX_REQUEST, Reference, Reply, Request, Who, Whom, WireError,
};
use mfn_admin::{body_length, frame};
use mfn_gallery::{Group, Note, PersonName};
use mfn_template::{Template, TemplateSpace};
use proptest::prelude::*;
use serde_json::json;

fn change() -> impl Strategy<Value = Change> {
    let time = || proptest::option::of(any::<u64>());
    prop_oneof![
        any::<bool>().prop_map(Change::Enabled),
        proptest::option::of("[a-zA-Zäß]{1,16}")
            .prop_map(|g| Change::Group(g.map(|g| Group::new(&g).unwrap()))),
        time().prop_map(Change::ValidFrom),
        time().prop_map(Change::ValidUntil),
        time().prop_map(Change::EraseAfter),
        "[\\PC\n\t]{0,100}".prop_map(|note| Change::Note(Note::new(&note).unwrap())),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    let parts =
        ("[a-zA-Zäß'\"漢]{1,30}", any::<bool>(), any::<bool>(), proptest::collection::vec(change(), 0..5));
    parts.prop_map(|(name, add, force, changes)| Who {
        name: PersonName::new(&name).unwrap(),
        add,
        force,
        changes,
    })
}

fn reference(dimension: usize) -> impl Strategy<Value = Reference> {
    let values = proptest::collection::vec(-1.0_f32..1.0, dimension);
    ("[a-z0-9. ]{0,40}", values, 0.0_f32..=1.0).prop_map(|(from, mut values, quality)| {
        values[0] += 2.0;
        Reference { from, template: Template::normalise(&values).unwrap(), quality }
    })
}

fn request() -> impl Strategy<Value = Request> {
    let space = TemplateSpace::new("space-1").unwrap();
    let whom = || "[#a-z0-9ä]{1,20}".prop_map(Whom);
    prop_oneof![
        Just(Request::Status),
        Just(Request::List),
        (who(), proptest::collection::vec(reference(16), 1..4))
            .prop_map(move |(who, references)| { Request::Enrol { who, space: space.clone(), references } }),
        (who(), 1..=MAX_REFERENCES).prop_map(|(who, frames)| Request::EnrolHere { who, frames }),
        (whom(), "[a-z]{1,9}")
            .prop_map(|(whom, name)| Request::Rename { whom, name: PersonName::new(&name).unwrap() }),
        whom().prop_map(|whom| Request::Remove { whom }),
        (whom(), proptest::collection::vec(change(), 0..6))
            .prop_map(|(whom, changes)| Request::Edit { whom, changes }),
    ]
}

/// Templates are normalised once more on arrival, which may move a last bit.
fn same(a: &Request, b: &Request) -> bool {
    let (Request::Enrol { who, space, references }, Request::Enrol { who: w, space: s, references: r }) =
        (a, b)
    else {
        return a == b;
    };
    let close = |(a, b): (&Reference, &Reference)| {
        let near = a.template.values().iter().zip(b.template.values()).all(|(a, b)| (a - b).abs() < 1e-6);
        near && a.from == b.from && a.quality == b.quality
    };
    who == w && space == s && references.len() == r.len() && references.iter().zip(r).all(close)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_arrives_as_it_was_sent(request in request()) {
        let bytes = request.frame().unwrap();
        let length = body_length(bytes[..HEADER].try_into().unwrap(), MAX_REQUEST).unwrap();
        prop_assert_eq!(length, bytes.len() - HEADER);
        let arrived = Request::parse(&bytes[HEADER..]).unwrap();
        prop_assert!(same(&request, &arrived), "{:?} became {:?}", request, arrived);
    }

    /// A byte of a good request altered: refused, or another good request; nothing else.
    #[test]
    fn altered_requests_do_no_harm(request in request(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = request.frame().unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let _ = body_length(bytes[..HEADER].try_into().unwrap(), MAX_REQUEST);
        if let Ok(parsed) = Request::parse(&bytes[HEADER..]) {
            prop_assert!(parsed.frame().is_ok());
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 8..300)) {
        let _ = body_length(bytes[..HEADER].try_into().unwrap(), MAX_REQUEST);
        let _ = Request::parse(&bytes);
        let _ = Reply::parse(&bytes);
    }
}

fn refused(json: &serde_json::Value) -> String {
    match Request::parse(json.to_string().as_bytes()) {
        Err(WireError::Content(what)) => what,
        other => panic!("{json} gave {other:?}"),
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let who = json!({ "name": "Ada", "add": false, "force": false, "changes": [] });
    let enrol = |references: serde_json::Value| json!({ "enrol": { "who": who, "space": "s", "references": references } });
    let reference = |values: &[f32]| json!({ "from": "a.jpg", "template": values, "quality": 0.5 });
    assert!(refused(&enrol(json!([]))).contains("needs a template"));
    assert!(refused(&enrol(json!([reference(&[0.0, 0.0])]))).contains("no direction"));
    assert!(
        refused(&enrol(json!([reference(&[1.0]), reference(&[1.0, 0.0])]))).contains("different lengths")
    );
    assert!(refused(&enrol(json!(vec![reference(&[1.0]); 33]))).contains("too many"));
    assert!(refused(&json!({ "enrol_here": { "who": who, "frames": 0 } })).contains("1 to 32"));
    assert!(refused(&json!({ "rename": { "whom": "#1", "name": "a/b" } })).contains("slash"));
    assert!(refused(&json!({ "rename": { "whom": "#1", "name": "x".repeat(10_000) } })).contains("128"));
    assert!(
        refused(&json!({ "edit": { "whom": "#1", "changes": [{ "group": "g".repeat(65) }] } }))
            .contains("64")
    );
    assert!(refused(&json!({ "edit": { "whom": "#1", "changes": [{ "valid_from": -1 }] } })).contains("-1"));
    assert!(refused(&json!({ "open_the_door": {} })).contains("unknown variant"));
    assert!(refused(&json!({ "remove": { "whom": "#1", "force": true } })).contains("unknown field"));
    let poor = json!({ "from": "", "template": [1.0], "quality": 1.5 });
    assert!(refused(&enrol(json!([poor]))).contains("quality"));
}

#[test]
fn origins_cannot_paint_on_a_terminal() {
    let text = json!({ "remove": { "whom": format!("\u{1b}[31m{}", "ä".repeat(500)) } }).to_string();
    let Ok(Request::Remove { whom }) = Request::parse(text.as_bytes()) else { panic!("{text}") };
    assert!(whom.0.starts_with("[31mä") && whom.0.len() <= 200);
}

#[test]
fn numbers_name_people_only_behind_their_sign() {
    assert_eq!(Whom("#12".to_owned()).number(), Some(mfn_template::PersonId(12)));
    assert_eq!(Whom("12".to_owned()).number(), None);
    assert_eq!(Whom("#".to_owned()).number(), None);
}

#[test]
fn the_largest_enrolment_fits() {
    let values: Vec<f32> = (0..768).map(|i| -((i as f32).sin() + 0.1) / 1e5).collect();
    let template = Template::normalise(&values).unwrap();
    let reference = Reference { from: "x".repeat(200), template, quality: 0.123_456_79 };
    let name = PersonName::new(&"n".repeat(128)).unwrap();
    let who = Who {
        name,
        add: true,
        force: true,
        changes: vec![Change::Note(Note::new(&"\n".repeat(512)).unwrap())],
    };
    let references = vec![reference; MAX_REFERENCES];
    let request = Request::Enrol { who, space: TemplateSpace::new("s").unwrap(), references };
    assert!(request.frame().is_ok());
    assert!(frame(&request, 1000).is_err());
}
