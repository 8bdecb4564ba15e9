//! Every protocol on small data of its publisher's layout, made from five public-domain portraits.
//!
//! With the imported recogniser the portraits' mated pairs score 0.71 to 0.81 and all others at most 0.12, so
//! what each protocol must give can be said beforehand.

use mfn_engine::Guard;
use mfn_export::evaluate::engine::open_model;
use mfn_export::evaluate::outcome::PairFigures;
use mfn_export::evaluate::{Benchmark, Engine, Figures, Outcome, draw};
use mfn_export::prepare::{Choice, Entry, prepare};
use std::path::{Path, PathBuf};

const PORTRAITS: [&str; 5] = ["president-1", "president-2", "president-3", "vice-president-1", "astronaut-1"];

struct Bench {
    engine: Engine,
    models: PathBuf,
    at: tempfile::TempDir,
}

/// The models are not the project's own; where they are absent the test says so.
fn bench() -> Option<Bench> {
    let models = std::env::var_os("MFN_REFERENCE_MODELS").map(PathBuf::from);
    let Some(models) = models.filter(|m| m.join("detector-yunet-n.onnx").exists()) else {
        println!("skipped: MFN_REFERENCE_MODELS names no folder with detector-yunet-n.onnx");
        return None;
    };
    let model = open_model(&models).unwrap();
    let engine = Engine::open(&model, &models, 2, true, &Guard::trusted()).unwrap();
    Some(Bench { engine, models, at: tempfile::tempdir().unwrap() })
}

fn portrait(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(format!("{name}.jpg"))
}

impl Bench {
    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn put_portrait(&self, path: &str, name: &str) {
        self.put(path, std::fs::read(portrait(name)).unwrap());
    }

    fn run(&self, name: &str, path: &str) -> Vec<Outcome> {
        let benchmark: Benchmark = format!("{name}={}", self.at.path().join(path).display()).parse().unwrap();
        benchmark.run(&self.engine, &[1]).unwrap()
    }

    /// The crops of all portraits, by the tool's own `prepare`.
    fn crops(&self) -> Vec<(String, Entry)> {
        let out = self.at.path().join("crops");
        let choice = Choice { largest: false, smallest: 20.0 };
        let photos = self.at.path().join("photos");
        PORTRAITS.iter().for_each(|p| self.put_portrait(&format!("photos/{p}.jpg"), p));
        self.put("photos/empty.png", black());
        self.put("photos/broken.jpg", b"\xff\xd8\xff nothing");
        let first = prepare(&photos, &out, &self.models, &Guard::trusted(), choice, 2).unwrap();
        assert_eq!((first.photographs, first.before), (7, 0));
        assert_eq!(first.skipped.values().sum::<usize>(), 2, "{first:?}");
        let again = prepare(&photos, &out, &self.models, &Guard::trusted(), choice, 2).unwrap();
        assert_eq!((again.photographs, again.before), (0, 7));
        let record = std::fs::read_to_string(out.join("record.jsonl")).unwrap();
        let entries = record.lines().map(|l| serde_json::from_str::<Entry>(l).unwrap());
        entries.filter(|e| !e.faces.is_empty()).map(|e| (e.source.clone(), e)).collect()
    }
}

fn black() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(200, 200).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn pairs(outcome: &Outcome) -> &PairFigures {
    let Figures::Pairs(figures) = &outcome.figures else { panic!("{outcome:?}") };
    figures
}

fn perfect(outcome: &Outcome, count: usize) {
    let figures = pairs(outcome);
    assert_eq!((figures.pairs, figures.accuracy_percent), (count, 100.0), "{outcome:?}");
    assert_eq!(figures.flip.as_ref().unwrap().accuracy_percent, 100.0, "{outcome:?}");
    assert!((0.12..0.8).contains(&figures.mean_threshold), "{outcome:?}");
}

const LFW_PAIRS: &str = "2\t2\n\
    president\t1\t2\npresident\t1\t3\npresident\t1\tvice\t1\npresident\t2\tastronaut\t1\n\
    president\t2\t3\npresident\t1\t2\nvice\t1\tastronaut\t1\npresident\t3\tvice\t1\n";

fn put_lfw(bench: &Bench, root: &str) {
    for (name, source) in
        [("president/president_0001", 0), ("president/president_0002", 1), ("president/president_0003", 2)]
    {
        bench.put_portrait(&format!("{root}/{name}.jpg"), PORTRAITS[source]);
    }
    bench.put_portrait(&format!("{root}/vice/vice_0001.jpg"), PORTRAITS[3]);
    bench.put_portrait(&format!("{root}/astronaut/astronaut_0001.jpg"), PORTRAITS[4]);
}

#[test]
fn lists_of_pairs_in_all_layouts() {
    let Some(bench) = bench() else { return };
    put_lfw(&bench, "lfw");
    bench.put("lfw/pairs.txt", LFW_PAIRS);
    perfect(&bench.run("lfw", "lfw")[0], 8);
    perfect(&bench.run("xqlfw", "lfw")[0], 8);
    let rfw_pairs: String = LFW_PAIRS.lines().skip(1).cycle().take(20).flat_map(|l| [l, "\n"]).collect();
    for group in ["Asian", "African", "Caucasian", "Indian"] {
        put_lfw(&bench, &format!("rfw/data/{group}"));
        bench.put(&format!("rfw/txts/{group}/{group}_pairs.txt"), &rfw_pairs);
    }
    let outcomes = bench.run("rfw", "rfw");
    assert_eq!(outcomes.len(), 5);
    outcomes[..4].iter().for_each(|o| perfect(o, 20));
    let Figures::Groups(groups) = &outcomes[4].figures else { panic!() };
    assert_eq!((groups.average_percent, groups.skewed_error_ratio), (100.0, 1.0));
    let line = |(a, b, label): (&str, &str, u32)| format!("{a}.jpg {label}\n{b}.jpg {label}\n");
    let two = [("president_0001", "president_0002", 1), ("president_0001", "vice_0001", 0)];
    bench.put("lfw/pairs_CALFW.txt", two.map(line).concat().repeat(10));
    perfect(&bench.run("calfw", "lfw")[0], 20);
}

#[test]
fn a_picture_without_a_face_is_named_and_counted() {
    let Some(bench) = bench() else { return };
    put_lfw(&bench, "lfw");
    bench.put("lfw/vice/vice_0001.jpg", black());
    bench.put("lfw/pairs.txt", LFW_PAIRS);
    let outcome = &bench.run("lfw", "lfw")[0];
    assert_eq!(outcome.faces_not_found, ["vice/vice_0001.jpg"]);
    std::fs::remove_file(bench.at.path().join("lfw/vice/vice_0001.jpg")).unwrap();
    let benchmark: Benchmark = format!("lfw={}", bench.at.path().join("lfw").display()).parse().unwrap();
    let error = benchmark.run(&bench.engine, &[]).unwrap_err().to_string();
    assert!(error.contains("vice_0001"), "{error}");
}

#[test]
fn cfp_in_its_publishers_folder() {
    let Some(bench) = bench() else { return };
    let images = "cfp/Data/Images/train";
    for (person, photos) in [("001", [0, 1, 2]), ("002", [3, 3, 3])] {
        bench.put_portrait(&format!("{images}/{person}/frontal/01.jpg"), PORTRAITS[photos[0]]);
        bench.put_portrait(&format!("{images}/{person}/frontal/02.jpg"), PORTRAITS[photos[1]]);
        bench.put_portrait(&format!("{images}/{person}/profile/01.jpg"), PORTRAITS[photos[2]]);
    }
    let path = |person: &str, kind: &str, n: u32| format!("../Data/Images/{person}/{kind}/{n:02}.jpg");
    let frontal = [("001", 1), ("001", 2), ("002", 1), ("002", 2)];
    let list = |paths: Vec<String>| {
        paths.iter().enumerate().map(|(i, p)| format!("{} {p}\n", i + 1)).collect::<String>()
    };
    bench.put("cfp/Protocol/Pair_list_F.txt", list(frontal.map(|(p, n)| path(p, "frontal", n)).to_vec()));
    bench.put("cfp/Protocol/Pair_list_P.txt", list(["001", "002"].map(|p| path(p, "profile", 1)).to_vec()));
    for fold in 1..=10 {
        bench.put(&format!("cfp/Protocol/Split/FP/{fold:02}/same.txt"), "1,1\n3,2\n");
        bench.put(&format!("cfp/Protocol/Split/FP/{fold:02}/diff.txt"), "1,2\n3,1\n");
        bench.put(&format!("cfp/Protocol/Split/FF/{fold:02}/same.txt"), "1,2\n");
        bench.put(&format!("cfp/Protocol/Split/FF/{fold:02}/diff.txt"), "1,3\n");
    }
    perfect(&bench.run("cfp-fp", "cfp")[0], 40);
    perfect(&bench.run("cfp-ff", "cfp")[0], 20);
}

/// `(list of bytes, list of booleans)` as Python 3 pickles it.
fn pickle(pictures: &[Vec<u8>], mated: &[bool]) -> Vec<u8> {
    let mut out = b"\x80\x03](".to_vec();
    for picture in pictures {
        out.push(b'B');
        out.extend((picture.len() as u32).to_le_bytes());
        out.extend(picture);
    }
    out.extend(b"e](");
    out.extend(mated.iter().map(|m| if *m { 0x88 } else { 0x89 }));
    out.extend(b"e\x86.");
    out
}

#[test]
fn packed_crops_and_a_labelled_folder_of_them() {
    let Some(bench) = bench() else { return };
    let entries = bench.crops();
    assert_eq!(entries.len(), 5);
    let crop = |name: &str| {
        let (_, entry) = entries.iter().find(|(source, _)| source.starts_with(name)).unwrap();
        std::fs::read(bench.at.path().join("crops").join(&entry.faces[0].crop)).unwrap()
    };
    let sides = [("president-1", "president-2"), ("president-1", "astronaut-1")];
    let pictures: Vec<Vec<u8>> =
        sides.iter().cycle().take(20).flat_map(|(a, b)| [crop(a), crop(b)]).collect();
    let mated: Vec<bool> = [true, false].into_iter().cycle().take(20).collect();
    bench.put("agedb_30.bin", pickle(&pictures, &mated));
    perfect(&bench.run("agedb-30", "agedb_30.bin")[0], 20);
    for (i, name) in ["president-1", "president-2", "president-3"].iter().enumerate() {
        bench.put(&format!("folder/president/{i}.png"), crop(name));
    }
    bench.put("folder/vice/0.png", crop("vice-president-1"));
    bench.put("folder/astronaut/0.png", crop("astronaut-1"));
    let outcome = &bench.run("folder", "folder")[0];
    let Figures::Labelled(figures) = &outcome.figures else { panic!() };
    assert_eq!((figures.pictures, figures.people, figures.equal_error_fmr.trials), (5, 3, 7));
    assert_eq!((figures.equal_error_fmr.count, figures.equal_error_fnmr.count), (0, 0));
    // The president is enrolled; his two other pictures and the two strangers are searched for.
    let search = &figures.open_set[0];
    assert_eq!((search.enrolled, search.fnir.count, search.fnir.trials), (1, 0, 2));
    assert_eq!((search.fpir.count, search.fpir.trials), (0, 2));
    draw(&figures.det, "portraits", &bench.at.path().join("det.svg")).unwrap();
}

#[test]
fn tinyface_in_its_folders() {
    let Some(bench) = bench() else { return };
    for (path, source) in [
        ("Probe/1_1", 0),
        ("Probe/2_1", 3),
        ("Gallery_Match/1_2", 1),
        ("Gallery_Match/1_3", 2),
        ("Gallery_Match/2_2", 3),
        ("Gallery_Distractor/9_1", 4),
    ] {
        bench.put_portrait(&format!("tiny/Testing_Set/{path}.jpg"), PORTRAITS[source]);
    }
    let outcome = &bench.run("tinyface", "tiny")[0];
    let Figures::Ranks(ranks) = &outcome.figures else { panic!() };
    assert_eq!((ranks.probes, ranks.gallery, ranks.rank_1.count, ranks.rank_5.count), (2, 4, 2, 2));
}

#[test]
fn ijb_c_in_its_publishers_folder() {
    let Some(bench) = bench() else { return };
    let (mut marks, mut media) = (String::new(), String::new());
    for (number, (source, entry)) in bench.crops().iter().enumerate() {
        bench.put_portrait(&format!("ijb/loose_crop/{number}.jpg"), source.trim_end_matches(".jpg"));
        let points: Vec<String> = entry.faces[0].points.iter().flatten().map(f32::to_string).collect();
        marks += &format!("{number}.jpg {} {}\n", points.join(" "), entry.faces[0].score);
        // Presidents 1 and 2 are template 1, president 3 template 2, the others 3 and 4.
        let template = match source.as_str() {
            "president-1.jpg" | "president-2.jpg" => 1,
            "president-3.jpg" => 2,
            "vice-president-1.jpg" => 3,
            _ => 4,
        };
        media += &format!("{number}.jpg {template} {number}\n");
    }
    bench.put("ijb/meta/ijbc_name_5pts_score.txt", marks);
    bench.put("ijb/meta/ijbc_face_tid_mid.txt", media);
    bench.put(
        "ijb/meta/ijbc_template_pair_label.txt",
        "1 2 1\n".to_string() + &"1 3 0\n2 4 0\n3 4 0\n".repeat(4),
    );
    let outcome = &bench.run("ijb-c", "ijb")[0];
    let Figures::Templates(figures) = &outcome.figures else { panic!() };
    assert_eq!((figures.pairs, figures.templates), (13, 4));
    assert_eq!((figures.tar_at_far[0].far, figures.tar_at_far[0].tar), (0.1, 1.0));
}
