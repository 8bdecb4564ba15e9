//! Enrolling people from photographs and asking who somebody is.

use mfn_tests::{Kiosk, fixture, walk_up};
use tempfile::TempDir;

/// A kiosk with an empty gallery, gone when the folder is dropped.
fn kiosk() -> (TempDir, Kiosk) {
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    (folder, kiosk)
}

#[test]
fn somebody_is_enrolled_known_renamed_and_forgotten() {
    let (_folder, kiosk) = kiosk();
    let (one, two, stranger) =
        (fixture("president-1.jpg"), fixture("president-2.jpg"), fixture("astronaut-1.jpg"));
    kiosk.run(&["enrol", "Ada Lovelace", "--photo", &one]).expect(0);

    let known = kiosk.run(&["identify", "--json", &two]).expect(0).json();
    let face = &known[0]["faces"][0];
    assert_eq!(
        (face["decision"].as_str(), face["candidates"][0]["name"].as_str()),
        (Some("known"), Some("Ada Lovelace"))
    );
    let unknown = kiosk.run(&["identify", "--json", &stranger]).expect(3).json();
    assert_eq!(unknown[0]["faces"][0]["decision"], "unknown");

    kiosk.run(&["rename", "Ada Lovelace", "Ada Byron"]).expect(0);
    let people = kiosk.run(&["list", "--json"]).expect(0).json();
    assert_eq!(people[0][0]["name"], "Ada Byron");
    assert_eq!(people[0].as_array().unwrap().len(), 1);

    kiosk.run(&["remove", "Ada Byron"]).expect(0);
    kiosk.run(&["identify", &two]).expect(3);
    assert_eq!(kiosk.run(&["list", "--json"]).expect(0).json()[0].as_array().unwrap().len(), 0);
}

#[test]
fn two_photographs_are_told_apart() {
    let (_folder, kiosk) = kiosk();
    let same = kiosk
        .run(&["verify", "--json", &fixture("president-1.jpg"), &fixture("president-3.jpg")])
        .expect(0)
        .json();
    assert!(same[0]["similarity"].as_f64() > Some(0.6), "{same:?}");
    let other = kiosk
        .run(&["verify", "--json", &fixture("president-1.jpg"), &fixture("vice-president-1.jpg")])
        .expect(3);
    assert!(other.json()[0]["similarity"].as_f64() < Some(0.2));
}

#[test]
fn faces_are_found_and_drawn() {
    let (folder, kiosk) = kiosk();
    let out = folder.path().join("drawn.png");
    let found = kiosk
        .run(&["detect", "--json", &fixture("astronaut-1.jpg"), "--draw", out.to_str().unwrap()])
        .expect(0);
    let face = &found.json()[0]["faces"][0];
    assert!(face["score"].as_f64() > Some(0.9) && face["points"].as_array().unwrap().len() == 5, "{face}");
    assert!(out.metadata().unwrap().len() > 10_000);
}

/// The same face under another name, and somebody whose photographs show two people.
#[test]
fn a_look_alike_and_mixed_photographs_need_force() {
    let (_folder, kiosk) = kiosk();
    let (one, two, other) =
        (fixture("president-1.jpg"), fixture("president-2.jpg"), fixture("vice-president-1.jpg"));
    kiosk.run(&["enrol", "first", "--photo", &one]).expect(0);
    let refused = kiosk.run(&["enrol", "second", "--photo", &two]).expect(8);
    assert!(refused.err.contains("--force"), "{refused:?}");
    kiosk.run(&["enrol", "mixed", "--photo", &other, &fixture("astronaut-1.jpg")]).expect(8);
    assert_eq!(kiosk.run(&["list", "--json"]).expect(0).json()[0].as_array().unwrap().len(), 1);
    kiosk.run(&["enrol", "second", "--photo", &two, "--force"]).expect(0);
}

#[test]
fn no_face_or_several_are_refused_at_enrolment() {
    let (folder, kiosk) = kiosk();
    walk_up(folder.path(), &["president-1.jpg", "vice-president-1.jpg"], 1);
    let two_people = folder.path().join("00000.jpg");
    let several = kiosk.run(&["enrol", "somebody", "--photo", two_people.to_str().unwrap()]).expect(8);
    assert!(several.err.contains('2'), "{several:?}");
    let nobody = folder.path().join("nobody.png");
    mfn_vision::photo::save_png(&mfn_vision::RgbImage::new(320, 240), &nobody).unwrap();
    let none = kiosk.run(&["enrol", "somebody", "--photo", nobody.to_str().unwrap()]).expect(8);
    assert!(none.err.contains("no face"), "{none:?}");
    assert_eq!(kiosk.run(&["list", "--json"]).expect(0).json()[0].as_array().unwrap().len(), 0);
}

#[test]
fn the_camera_enrols_too() {
    let (folder, kiosk) = kiosk();
    let frames = folder.path().join("frames");
    walk_up(&frames, &["president-1.jpg"], 8);
    let source = format!("folder:{}", frames.display());
    kiosk.run(&["enrol", "Ada", "--camera", "--source", &source]).expect(0);
    kiosk.run(&["identify", &fixture("president-2.jpg")]).expect(0);
}

/// While one process holds the gallery for writing, a second writer is refused by name and readers go on.
#[test]
fn a_second_writer_is_refused_and_readers_go_on() {
    let (_folder, kiosk) = kiosk();
    kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
    let lock = std::fs::File::open(kiosk.gallery().join(mfn_gallery::LOCK_FILE)).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let refused = kiosk.run(&["enrol", "Bob", "--photo", &fixture("astronaut-1.jpg")]).expect(5);
    assert_eq!(refused.err.lines().count(), 1, "{refused:?}");
    kiosk.run(&["identify", &fixture("president-2.jpg")]).expect(0);
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
    kiosk.run(&["enrol", "Bob", "--photo", &fixture("astronaut-1.jpg")]).expect(0);
}
