//! memory-budget.md is the contract: the budgets are read from its table and the running program is measured.

use std::{fs, path::Path, time::SystemTime};

use mfn_engine::Models;
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, GalleryKey, Metadata};
use mfn_template::Template;
use mfn_tests::{Kiosk, fixture, models, walk_up};

/// The reader that the program itself uses.
#[path = "../../firmware/mfn-kiosk/src/budget.rs"]
mod budget;

/// Fails when a figure is over the budget of that name, or the table has no such row.
fn within(key: &str, measured: f64) {
    let budget = budget::of(key).unwrap_or_else(|| panic!("memory-budget.md has no row `{key}`"));
    println!("{key}: {measured:.1} of {budget}");
    assert!(measured <= budget, "{key}: measured {measured:.1}, budget {budget}");
}

/// People with made-up templates, beside one who is real.
fn strangers(gallery: &Path, models: &Path, count: u32) {
    let models = Models::find(models).unwrap();
    let recogniser = models.recogniser(None).unwrap();
    let (space, dimension) = (recogniser.space().unwrap(), recogniser.dimension().unwrap());
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    };
    let mut person = |i: u32| {
        let values: Vec<f32> = (0..dimension).map(|_| random()).collect();
        let template = Template::normalise(&values).unwrap();
        let templates = vec![EnrolTemplate { template, quality: 1.0, taken: SystemTime::now() }];
        let name = format!("stranger {i}").parse().unwrap();
        Enrolment { name, metadata: Metadata::default(), templates }
    };
    let people: Vec<_> = (0..count).map(&mut person).collect();
    let (key, _) = GalleryKey::load_or_create(&GalleryKey::path_for(gallery, None)).unwrap();
    let mut gallery = FileGallery::open(gallery, space, dimension, Access::Write, &key).unwrap();
    gallery.enrol_all(&people).unwrap();
}

/// One run over `frames` frames of a folder; its summary.
fn run(kiosk: &Kiosk, folder: &Path, frames: &str) -> serde_json::Value {
    let config = folder.join("kiosk.toml");
    let settings = format!("[camera]\nsource = \"folder:{}\"\nrepeat = true\n", folder.display());
    fs::write(&config, settings).unwrap();
    let arguments = ["run", "--json", "--as-fast", "--frames", frames, "--config", config.to_str().unwrap()];
    let lines = kiosk.run(&arguments).expect(0).json();
    lines.into_iter().find(|line| line["event"] == "summary").expect("a summary")
}

fn megabytes(summary: &serde_json::Value, field: &str) -> f64 {
    summary[field].as_f64().unwrap_or_else(|| panic!("no {field} in {summary}")) * 1024.0 / 1e6
}

#[test]
fn the_running_program_keeps_its_budgets() {
    let models = models();
    let folder = tempfile::tempdir().unwrap();
    let gallery = folder.path().join("gallery");
    let kiosk = Kiosk::within(folder.path());
    kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
    strangers(&gallery, &models, 999);

    let (empty, one, two) =
        (folder.path().join("empty"), folder.path().join("one"), folder.path().join("two"));
    walk_up(&empty, &[], 5);
    walk_up(&one, &["president-2.jpg"], 25);
    walk_up(&two, &["president-2.jpg", "vice-president-1.jpg"], 25);
    for (i, entry) in fs::read_dir(&two).unwrap().flatten().enumerate() {
        fs::rename(entry.path(), one.join(format!("two-{i:05}.jpg"))).unwrap();
    }

    let rest = run(&kiosk, &empty, "30");
    within("rest", megabytes(&rest, "memory_kib"));
    let load = run(&kiosk, &one, "500");
    assert!(load["frames_with_face"].as_u64() > Some(450) && load["grants"].as_u64() > Some(0), "{load}");
    within("peak", megabytes(&load, "peak_memory_kib"));
    within("threads", load["threads"].as_f64().unwrap());
    within("first-decision", load["first_decision_ms"].as_f64().unwrap());
    within("face-to-grant", load["first_face_to_grant_ms"].as_f64().unwrap());

    // The gallery's own share: what 9,000 people more cost at rest.
    fs::remove_dir_all(&gallery).unwrap();
    strangers(&gallery, &models, 10_000);
    let crowded = run(&kiosk, &empty, "30");
    let more = megabytes(&crowded, "memory_kib") - megabytes(&rest, "memory_kib");
    within("gallery-10000", more * 10.0 / 9.0);
}
