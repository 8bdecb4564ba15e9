//! The README's first command: who is let in, who is not, and what is left behind.

use mfn_tests::{Kiosk, fixtures};

#[test]
fn the_enrolled_person_is_let_in_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (faces, out) = (fixtures(), folder.path().join("pictures"));
    let arguments = ["demo", "--json", "--faces", faces.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let lines = Kiosk::within(folder.path()).run(&arguments).expect(0).json();

    let steps: Vec<_> = lines.iter().filter(|line| line["event"] == "step").collect();
    let outcomes: Vec<_> = steps.iter().map(|step| step["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["grant", "grant", "deny", "deny", "nothing", "deny"]);
    for step in &steps {
        assert!(std::path::Path::new(step["picture"].as_str().unwrap()).is_file(), "{step}");
    }
    for (step, mated) in [(0, true), (1, true), (2, false), (3, false)] {
        let step = steps[step];
        let (similarity, threshold) =
            (step["similarity"].as_f64().unwrap(), step["threshold"].as_f64().unwrap());
        assert_eq!(similarity > threshold + 0.05, mated, "{step}");
        assert_eq!(similarity < threshold - 0.05, !mated, "{step}");
        // Each of the three is rounded by itself.
        assert!((step["margin"].as_f64().unwrap() - (similarity - threshold)).abs() < 2e-3, "{step}");
    }
    let end = lines.last().unwrap();
    assert!(std::path::Path::new(end["contact_sheet"].as_str().unwrap()).is_file(), "{end}");
}
