//! A real file system in an image file: what the raw image yields after a removal to somebody who holds
//! the gallery key. `cargo test -p mfn-gallery --lib raw_image -- --nocapture`, as root.

use super::attack::{finds, template_bytes};
use super::harness::{SLOTS, key, space};
use super::model::{DIMENSION, Operation, ask};
use super::sim::Image;
use crate::header::PAGE;
use crate::{Access, FileGallery, Folder, Gallery};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes of the image: room for a journal of ext4, for the gallery and its old copies.
const SIZE: u64 = 16 << 20;

struct Mounted {
    image: PathBuf,
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &[&self.point]);
    }
}

fn run(program: &str, arguments: &[&Path]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// ext4 as it is by default (data=ordered), with blocks of 4,096 bytes.
fn mount() -> Option<Mounted> {
    let dir = tempfile::tempdir().unwrap();
    let (image, point) = (dir.path().join("image"), dir.path().join("mounted"));
    fs::File::create(&image).unwrap().set_len(SIZE).unwrap();
    fs::create_dir(&point).unwrap();
    let options = ["-q", "-F", "-b", "4096"].map(Path::new);
    let made = run("mkfs.ext4", &[options.as_slice(), &[image.as_path()]].concat());
    let done = made && run("mount", &[Path::new("-o"), Path::new("loop"), &image, &point]);
    done.then_some(Mounted { image, point, _dir: dir })
}

/// The raw bytes, and every run of them that a header says is a gallery's file.
fn raw(mounted: &Mounted) -> Image {
    let bytes = fs::read(&mounted.image).unwrap();
    let file = |at: usize| {
        let number = |from: usize| u64::from_le_bytes(bytes[at + from..][..8].try_into().unwrap()) as usize;
        let slots = u32::from_le_bytes(bytes[at + 88..][..4].try_into().unwrap()) as usize;
        let packed = (PAGE + 40 + number(72) + number(80)).next_multiple_of(PAGE);
        bytes.get(at..at + packed + slots * PAGE).map(<[u8]>::to_vec)
    };
    let headers = (0..bytes.len()).step_by(PAGE).filter(|&at| bytes[at..].starts_with(b"MFNGAL\r\n"));
    let files: Vec<Vec<u8>> = headers.filter_map(file).collect();
    assert!(!files.is_empty());
    // Most of the image was never written; looking through zeros takes long under an emulator.
    let written = bytes.chunks(PAGE).filter(|block| block.iter().any(|&b| b != 0));
    Image { files: [vec![written.collect::<Vec<_>>().concat()], files].concat(), ..Image::default() }
}

#[test]
fn nothing_of_a_removed_person_is_left_on_a_real_file_system() {
    use Operation::*;
    let Some(mounted) = mount() else {
        println!(
            "skipped: cannot make and mount an ext4 image here (needs root, mkfs.ext4 and loop devices)"
        );
        return;
    };
    let open = || {
        let folder = Box::new(Folder::new(&mounted.point.join("gallery")));
        FileGallery::open_on(folder, &space(), DIMENSION, Access::Write, &key(), SLOTS).unwrap()
    };
    let mut gallery = open();
    for operation in [Enrol(1, vec![11]), Metadata(1, 3), Compact, Enrol(2, vec![22]), Add(1, vec![33])] {
        ask(&mut gallery, &operation).unwrap();
    }
    let secrets = [template_bytes(11), template_bytes(33), b"Name 1".to_vec(), b"note".to_vec()];
    assert_eq!(finds(&raw(&mounted), &secrets), [true; 4], "the attack must find what is there");
    for operation in [Rename(1, 4), Compact, Add(1, vec![11]), Rename(1, 1)] {
        ask(&mut gallery, &operation).unwrap();
    }
    ask(&mut gallery, &Remove(1)).unwrap();
    // The moment that the removal has returned: nothing is closed or unmounted.
    assert_eq!(finds(&raw(&mounted), &secrets), [false; 4], "something is left");
    let others = [b"Name 2".to_vec(), template_bytes(22)];
    assert_eq!(finds(&raw(&mounted), &others), [true; 2]);
    ask(&mut gallery, &Compact).unwrap();
    assert_eq!(finds(&raw(&mounted), &secrets), [false; 4], "something is left after compaction");
    drop(gallery);
    assert_eq!(open().people().len(), 1);
    println!("{} MiB of raw image: nothing of the removed person with the key in hand", SIZE >> 20);
}
