//! Error rates of one's own gallery, and a threshold that follows the number of people.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use mfn_engine::Models;
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, GalleryKey, Metadata};
use mfn_template::Template;
use mfn_tests::{Finished, Kiosk, fixture, fixtures, models};
use serde_json::Value;

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

/// 40 made-up people in a kiosk's gallery, five portraits as strangers, and the calibration that follows from them.
struct Office {
    folder: tempfile::TempDir,
    kiosk: Kiosk,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kiosk = Kiosk::within(folder.path());
        enrol_made_up(kiosk.gallery(), &models(), 40);
        Self { folder, kiosk }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("calibration.toml")
    }

    fn calibrate(&self, more: &[&str]) -> Finished {
        let strangers = fixtures();
        let line = ["calibrate", "--strangers", strangers.to_str().unwrap(), "--target-fpir", "0.001"];
        self.kiosk.run(&[&line, more].concat()).expect(0)
    }

    /// Writes the calibration's file, and returns the figures.
    fn calibrated(&self) -> Value {
        self.calibrate(&["--json", "--save", self.file().to_str().unwrap()]).json().remove(0)
    }

    /// Settings that follow the calibration, and more in the section of decisions.
    fn settings(&self, more: &str) -> String {
        let config = self.folder.path().join("kiosk.toml");
        let (file, photo) = (self.file(), fixture("astronaut-1.jpg"));
        let decision = "[decision]\nthreshold = 0.05\nnear_miss = 0.05";
        let camera = format!("[camera]\nsource = \"photo:{photo}\"");
        fs::write(&config, format!("{decision}\ncalibration = {file:?}\n{more}\n{camera}\n")).unwrap();
        config.to_str().unwrap().to_owned()
    }
}

#[test]
fn rates_are_told_with_what_they_can_bear() {
    let office = Office::new();
    let found = office.calibrated();
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
    let told = office.calibrate(&[]).out;
    assert!(told.contains("EXTRAPOLATED") && told.contains("3000 strangers"), "{told}");
}

#[test]
fn the_kiosk_computes_the_threshold_for_as_many_people_as_there_are() {
    let office = Office::new();
    let threshold = office.calibrated()["threshold"].as_f64().unwrap();
    let config = office.settings("target_fpir = 0.001");
    let run = || {
        let run = office.kiosk.run(&["run", "--json", "--as-fast", "--config", &config]).expect(0);
        run.json().into_iter().find(|event| event["event"] == "threshold").expect("a threshold")
    };
    let first = run();
    assert_eq!(first["people"], 40);
    assert!((first["threshold"].as_f64().unwrap() - threshold).abs() < 0.001, "{first}");
    office.kiosk.run(&["remove", "#1"]).expect(0);
    let second = run();
    assert_eq!(second["people"], 39);
    assert!(second["threshold"].as_f64() <= first["threshold"].as_f64());
}

#[test]
fn a_vote_of_other_numbers_or_another_network_needs_another_calibration() {
    let office = Office::new();
    office.calibrated();
    let config = office.settings("votes = 2");
    let end = office.kiosk.run(&["list", "--config", &config]).expect(2);
    assert!(end.err.contains("votes = 3"), "{end:?}");
    let config = office.settings("");
    let text = fs::read_to_string(office.file()).unwrap();
    let (before, space) = text.split_once("space = ").unwrap();
    let (_, behind) = space.split_once('\n').unwrap();
    fs::write(office.file(), format!("{before}space = \"other\"\n{behind}")).unwrap();
    let end = office.kiosk.run(&["run", "--config", &config]).expect(2);
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
