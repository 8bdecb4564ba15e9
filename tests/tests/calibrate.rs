//! Error rates of one's own gallery, and a threshold that follows the number of people.

use std::{fs, path::Path, time::SystemTime};

use mfn_engine::Models;
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, GalleryKey, Metadata};
use mfn_template::Template;
use mfn_tests::{Kiosk, fixture, fixtures, models};

/// People with two made-up templates each: mated similarities about 0.8, non-mated about 0.
fn enrol_made_up(gallery: &Path, models: &Path, count: u32) {
    let models = Models::find(models).unwrap();
    let recogniser = models.recogniser(None).unwrap();
    let (space, dimension) = (recogniser.space().unwrap(), recogniser.dimension().unwrap());
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    };
    let mut person = |i: u32| {
        let centre: Vec<f32> = (0..dimension).map(|_| random()).collect();
        let mut template = || {
            let values: Vec<f32> = centre.iter().map(|v| v + 0.5 * random()).collect();
            let template = Template::normalise(&values).unwrap();
            EnrolTemplate { template, quality: 1.0, taken: SystemTime::now() }
        };
        let templates = vec![template(), template()];
        Enrolment { name: format!("made up {i}").parse().unwrap(), metadata: Metadata::default(), templates }
    };
    let people: Vec<_> = (0..count).map(&mut person).collect();
    let (key, _) = GalleryKey::load_or_create(&GalleryKey::path_for(gallery, None)).unwrap();
    let mut gallery = FileGallery::open(gallery, space, dimension, Access::Write, &key).unwrap();
    gallery.enrol_all(&people).unwrap();
}

#[test]
fn rates_are_told_with_what_they_can_bear_and_the_kiosk_follows() {
    let folder_of_models = models();
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    enrol_made_up(kiosk.gallery(), &folder_of_models, 40);
    let strangers = fixtures();
    let file = folder.path().join("calibration.toml");
    let (strangers, file) = (strangers.to_str().unwrap(), file.to_str().unwrap());
    let calibrate = ["calibrate", "--strangers", strangers, "--target-fpir", "0.001"];

    let found = kiosk.run(&[&calibrate[..], &["--json", "--save", file]].concat()).expect(0).json();
    let found = &found[0];
    assert_eq!((&found["enrolled"], &found["strangers"]), (&40.into(), &5.into()), "{found}");
    // 40 people's two references, each against the other one.
    assert_eq!((&found["fnmr"]["trials"], &found["fnmr"]["independent"]), (&80.into(), &40.into()));
    // 80 templates against 39 others, 5 photographs against 40.
    assert_eq!(found["fmr"]["trials"], 80 * 39 + 5 * 40);
    assert_eq!((&found["fpir"]["trials"], &found["fpir"]["count"]), (&45.into(), &0.into()));
    assert_eq!(found["fpir"]["interval"][1].as_f64(), Some(3.0 / 45.0));
    assert_eq!(found["extrapolated"], true);
    let threshold = found["threshold"].as_f64().unwrap();
    let highest = found["non_mated"][2].as_f64().unwrap();
    assert!(threshold > highest && threshold < found["mated"][0].as_f64().unwrap(), "{found}");
    let told = kiosk.run(&calibrate).expect(0).out;
    assert!(told.contains("EXTRAPOLATED") && told.contains("3000 strangers"), "{told}");

    // The kiosk computes it for 40 people, and anew for 41.
    let config = folder.path().join("kiosk.toml");
    let settings = |more: &str| {
        let text = format!(
            "[decision]\nthreshold = 0.05\nnear_miss = 0.05\ncalibration = {file:?}\n{more}\n[camera]\nsource = \"photo:{}\"\n",
            fixture("astronaut-1.jpg")
        );
        fs::write(&config, text).unwrap();
    };
    settings("target_fpir = 0.001");
    let run = || {
        let run = kiosk.run(&["run", "--json", "--as-fast", "--config", config.to_str().unwrap()]).expect(0);
        run.json().into_iter().find(|event| event["event"] == "threshold").expect("a threshold")
    };
    let first = run();
    assert_eq!(first["people"], 40);
    assert!((first["threshold"].as_f64().unwrap() - threshold).abs() < 0.001, "{first}");
    kiosk.run(&["remove", "#1"]).expect(0);
    let second = run();
    assert_eq!(second["people"], 39);
    assert!(second["threshold"].as_f64() <= first["threshold"].as_f64());

    // A vote of other numbers, or another network, needs another calibration.
    settings("votes = 2");
    let end = kiosk.run(&["list", "--config", config.to_str().unwrap()]).expect(2);
    assert!(end.err.contains("votes = 3"), "{end:?}");
    settings("");
    let text = fs::read_to_string(file).unwrap();
    let start = text.find("space = ").unwrap();
    fs::write(
        file,
        format!("{}space = \"other\"\n{}", &text[..start], text[start..].split_once('\n').unwrap().1),
    )
    .unwrap();
    let end = kiosk.run(&["run", "--config", config.to_str().unwrap()]).expect(2);
    assert!(end.err.contains("calibrate anew"), "{end:?}");
}

#[test]
fn too_few_people_and_wrong_folders_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    let few = kiosk.run(&["calibrate", "--strangers", fixtures().to_str().unwrap()]).expect(3);
    assert!(few.err.contains("too few"), "{few:?}");
    let none = kiosk.run(&["calibrate", "--strangers", folder.path().to_str().unwrap()]).expect(8);
    assert!(none.err.contains("no .jpg"), "{none:?}");
    kiosk.run(&["calibrate", "--strangers", "/no/such/folder"]).expect(8);
    kiosk.run(&["calibrate", "--target-fpir", "2"]).expect(2);
}
