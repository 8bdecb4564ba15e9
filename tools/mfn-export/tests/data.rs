//! Sources of every kind, made by the tests themselves.

use image::{Rgb, RgbImage};
use mfn_export::data::{Archive, Dataset, Loader, Maker, Member};
use mfn_export::recipe::{Augment, Data, HeldOut, Source};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

fn encoded(seed: u8, format: image::ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(112, 112, |x, y| Rgb([seed, x as u8, y as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Three people with four pictures each, in three formats, and a file that is no picture.
fn members() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("labels.jsonl".to_string(), b"{}".to_vec())];
    for person in 0..3_u8 {
        for n in 0..4_u8 {
            let (format, extension) = match n % 3 {
                0 => (image::ImageFormat::Jpeg, "jpg"),
                1 => (image::ImageFormat::Png, "png"),
                _ => (image::ImageFormat::WebP, "webp"),
            };
            all.push((format!("person-{person}/{n}.{extension}"), encoded(10 * person + n, format)));
        }
    }
    all
}

fn write_folder(root: &Path) {
    for (name, bytes) in members() {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn write_tar(path: &Path) {
    let mut tar = tar::Builder::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in members() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    tar.finish().unwrap();
}

fn write_zip(path: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members() {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// RecordIO as InsightFace writes it: a header record, the pictures, one record an identity.
fn write_records(path: &Path) {
    let (mut rec, mut idx) = (Vec::new(), String::new());
    let mut push = |key: usize, flag: u32, labels: &[f32], data: &[u8]| {
        idx += &format!("{key}\t{}\n", rec.len());
        let mut body = flag.to_le_bytes().to_vec();
        body.extend(if flag == 0 { labels[0] } else { 0.0 }.to_le_bytes());
        body.extend([0; 16]);
        if flag > 0 {
            labels.iter().for_each(|l| body.extend(l.to_le_bytes()));
        }
        body.extend(data);
        rec.extend(0xced7_230a_u32.to_le_bytes());
        rec.extend((body.len() as u32).to_le_bytes());
        rec.extend(&body);
        rec.resize(rec.len().next_multiple_of(4), 0);
    };
    push(0, 2, &[13.0, 16.0], &[]);
    for (i, (_, bytes)) in members().into_iter().skip(1).enumerate() {
        push(i + 1, 0, &[(i / 4) as f32], &bytes);
    }
    for person in 0..3 {
        push(13 + person, 2, &[(4 * person + 1) as f32, (4 * person + 5) as f32], &[]);
    }
    std::fs::write(path, rec).unwrap();
    std::fs::write(path.with_extension("idx"), idx).unwrap();
}

fn contents(path: &Path) -> Vec<(Option<String>, Vec<u8>)> {
    let (archive, members) = Archive::open(path).unwrap();
    let read = |m: &Member| {
        let mut bytes = Vec::new();
        archive.read(m, &mut bytes).unwrap();
        (m.folder().map(str::to_string), bytes)
    };
    members.iter().map(read).collect()
}

#[test]
fn every_kind_of_source_gives_the_same_pictures() {
    let at = tempfile::tempdir().unwrap();
    let at = at.path();
    write_folder(&at.join("folder"));
    write_tar(&at.join("a.tar"));
    write_zip(&at.join("a.zip"));
    write_records(&at.join("train.rec"));
    let expected: Vec<_> = members()
        .into_iter()
        .skip(1)
        .map(|(name, bytes)| (name.split_once('/').map(|(f, _)| f.to_string()), bytes))
        .collect();
    assert_eq!(expected.len(), 12);
    for name in ["folder", "a.tar", "a.zip"] {
        assert_eq!(contents(&at.join(name)), expected, "{name}");
    }
    let records = contents(&at.join("train.rec"));
    for (i, (got, want)) in records.iter().zip(&expected).enumerate() {
        assert_eq!(got.0.as_deref(), Some(format!("{:06}", i / 4).as_str()));
        assert_eq!(got.1, want.1);
    }
    assert_eq!(records.len(), 12);
}

#[test]
fn an_archive_that_is_cut_off_is_refused() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("a.tar");
    write_tar(&path);
    let members = Archive::open(&path).unwrap().1;
    let last = members.last().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(last.offset + u64::from(last.len) - 1).unwrap();
    let error = format!("{:#}", Archive::open(&path).err().unwrap());
    assert!(error.contains(&format!("ends inside {}", last.name)) && !error.contains('\n'), "{error}");
}

fn data(root: &Path, path: &str) -> Data {
    Data {
        root: root.to_str().unwrap().into(),
        sources: vec![Source {
            path: path.into(),
            labelled: true,
            list: None,
            share: 1.0,
            leave_out: Vec::new(),
        }],
        exclude: None,
        choose_by: Vec::new(),
        held_out: HeldOut { one_in: 0, ..HeldOut::default() },
    }
}

#[test]
fn a_list_names_the_pictures_of_a_source() {
    let at = tempfile::tempdir().unwrap();
    write_folder(&at.path().join("a"));
    let mut data = data(at.path(), "a");
    data.sources[0].list = Some("list.txt".into());
    std::fs::write(at.path().join("list.txt"), "# {}\nperson-0/1.png\nperson-2/0.jpg\n").unwrap();
    let set = Dataset::open(&data).unwrap();
    assert_eq!((set.train.len(), set.identities), (2, 2));
    std::fs::write(at.path().join("list.txt"), "person-0/1.png\nperson-9/0.jpg\n").unwrap();
    let error = Dataset::open(&data).err().unwrap().to_string();
    assert!(error.contains("person-9/0.jpg"), "{error}");
}

#[test]
fn people_are_excluded_and_held_out() {
    let at = tempfile::tempdir().unwrap();
    write_tar(&at.path().join("a.tar"));
    write_zip(&at.path().join("b.zip"));
    std::fs::write(at.path().join("excluded.txt"), "person-9\n").unwrap();
    let mut both = data(at.path(), "a.tar");
    both.exclude = Some("excluded.txt".into());
    both.held_out.identities = vec!["person-1".into()];
    let one = Dataset::open(&both).unwrap();
    assert_eq!((one.train.len(), one.held_out.len(), one.identities), (8, 4, 2));
    // The same folder in a second archive is the same person.
    both.sources.push(Source {
        path: "b.zip".into(),
        labelled: true,
        list: None,
        share: 1.0,
        leave_out: Vec::new(),
    });
    let two = Dataset::open(&both).unwrap();
    assert_eq!((two.train.len(), two.held_out.len(), two.identities), (16, 8, 2));
    assert_ne!(one.fingerprint, two.fingerprint);
    std::fs::write(at.path().join("excluded.txt"), "person-0\n").unwrap();
    let error = Dataset::open(&both).err().unwrap().to_string();
    assert!(error.contains("at least 2"), "{error}");
}

#[test]
fn missing_and_empty_sources_are_one_clear_line() {
    let at = tempfile::tempdir().unwrap();
    std::fs::create_dir(at.path().join("empty")).unwrap();
    std::fs::write(at.path().join("broken.zip"), b"no zip").unwrap();
    for (path, says) in
        [("nowhere.tar", "does not exist"), ("empty", "no picture"), ("broken.zip", "broken.zip")]
    {
        let error = Dataset::open(&data(at.path(), path)).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{path}: {error}");
    }
}

#[test]
fn broken_pictures_are_skipped_counted_and_named() {
    let at = tempfile::tempdir().unwrap();
    write_folder(at.path());
    std::fs::write(at.path().join("person-1/0.jpg"), b"no picture").unwrap();
    // Decoders fill what is missing of it with grey.
    let whole = std::fs::read(at.path().join("person-2/0.jpg")).unwrap();
    std::fs::write(at.path().join("person-2/0.jpg"), &whole[..whole.len() / 2]).unwrap();
    let dataset = Arc::new(Dataset::open(&data(at.path(), "")).unwrap());
    let maker = Arc::new(Maker {
        dataset,
        augment: Augment::default(),
        seed: 1,
        batch: 6,
        teaching: None,
        broken: Default::default(),
    });
    let batches = |threads, seen, count| {
        let mut loader = Loader::start(seen, maker.batch, threads, || maker.worker()).unwrap();
        (0..count).map(|_| loader.take().unwrap().images).collect::<Vec<_>>()
    };
    let one = batches(1, 0, 4);
    assert_eq!(one, batches(3, 0, 4), "threads must not matter");
    assert_eq!(one[2..], batches(2, 12, 2), "a run can go on anywhere");
    let broken = maker.broken.lock().unwrap();
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken.first().unwrap().ends_with("person-1/0.jpg"));
    assert!(broken.last().unwrap().ends_with("person-2/0.jpg"));
}
