//! What a gallery takes of the machine's memory, all that reading it leaves behind included: this test
//! starts itself, so that nothing else is in the process.

mod common;

use common::*;
use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, Metadata};
use mfn_template::Template;
use std::path::Path;
use std::process::Command;

const DIR: &str = "MFN_TEST_MEMORY";
const WIDTH: usize = 512;

fn open_wide(dir: &Path, access: Access) -> FileGallery {
    FileGallery::open(dir, &space(), WIDTH, access, &key()).unwrap()
}

/// A field of this process's status, in bytes.
fn status(field: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// One template a person, which is the dearest way.
fn enrol(dir: &Path, count: usize) {
    let mut random = 1u32;
    let mut value = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random as f32 / u32::MAX as f32 - 0.5
    };
    let mut person = |i: usize| {
        let values: Vec<f32> = (0..WIDTH).map(|_| value()).collect();
        let template = Template::normalise(&values).unwrap();
        let templates = vec![EnrolTemplate { template, quality: 0.5, taken: at(1_700_000_000) }];
        Enrolment { name: name(&format!("Somebody Numbered {i}")), metadata: Metadata::default(), templates }
    };
    let people: Vec<Enrolment> = (0..count).map(&mut person).collect();
    open_wide(dir, Access::Write).enrol_all(&people).unwrap();
}

/// Resident bytes that opening a gallery of so many templates costs a process.
fn measure(count: usize) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    enrol(dir.path(), count);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "templates_take_what_they_should", "--nocapture"]).env(DIR, dir.path());
    let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
    let line = output.lines().find_map(|line| line.split_once("took ")).expect("a measurement").1;
    let bytes: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
    println!("{count} templates: {:.2} MB, {:.2} MB at the peak", bytes[0] / 1e6, bytes[1] / 1e6);
    bytes[0]
}

#[test]
fn templates_take_what_they_should() {
    if let Some(dir) = std::env::var_os(DIR) {
        let before = (status("VmRSS"), status("VmHWM"));
        let gallery = open_wide(Path::new(&dir), Access::Read);
        println!("took {} {}", status("VmRSS") - before.0, status("VmHWM") - before.1);
        assert!(!gallery.people().is_empty());
        return;
    }
    if cfg!(target_arch = "aarch64") {
        println!("skipped: needs to start itself, which emulators may not know");
        return;
    }
    let (few, without, with) = (measure(100), measure(4_000), measure(10_000));
    let (without, with) = ((without - few) / 3_900.0, (with - few) / 9_900.0);
    println!("{without:.0} bytes a template without the 8-bit copy, {with:.0} with it");
    assert!(without <= 2_150.0 && with <= 2_700.0);
}
