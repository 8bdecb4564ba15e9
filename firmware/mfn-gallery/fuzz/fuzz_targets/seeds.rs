//! Writes the seeds of the targets' corpora into the folder that `SEEDS` names: sound files, in the form
//! that each target takes. A target itself, since instrumented code needs the fuzzer's runtime.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfn_admin::{Change, Reference, Request, Who, Whom};
use mfn_gallery::{GALLERY_FILE, KEYS_FILE, Note};
use mfn_gallery_fuzz::{SLOTS, backup, base, reference};
use mfn_template::TemplateSpace;
use std::fs;
use std::path::PathBuf;

fuzz_target!(init: write_all().unwrap(), |_input: &[u8]| {});

fn write_all() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::var_os("SEEDS").expect("a folder"));
    let write = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)
    };
    let disk = base();
    let gallery = disk.bytes(GALLERY_FILE);
    write("snapshot", "gallery", &[&[0], gallery.as_slice()].concat())?;
    write("snapshot", "keys", &[&[1], disk.bytes(KEYS_FILE).as_slice()].concat())?;
    let slots = gallery[gallery.len() - SLOTS as usize * 4096..].chunks(4096);
    // Kind to serial, and what is sealed inside.
    let texts = slots.map(|slot| [&[200, 0], &slot[64..264]].concat());
    write("journal", "slots", &texts.collect::<Vec<_>>().concat())?;
    let file = backup();
    write("backup", "file", &[&[0], file.as_slice()].concat())?;
    let (mut records, mut rest) = (vec![1], &file[64..]);
    while let Some((len, sealed)) = rest.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*len) as usize;
        records.extend((len as u16).to_le_bytes());
        records.extend(&sealed[24..24 + len]);
        rest = &sealed[40 + len..];
    }
    write("backup", "records", &records)?;
    let name = || "Ann".parse().unwrap();
    let whom = || Whom("#3".to_owned());
    let changes =
        vec![Change::Enabled(false), Change::ValidUntil(Some(9)), Change::Note(Note::new("x").unwrap())];
    let (template, from) = (reference(1).template, "a.jpg".to_owned());
    let references = vec![Reference { from, template, quality: 0.5 }];
    let who = Who { name: name(), add: false, force: true, changes: changes.clone() };
    for (i, request) in [
        Request::Rename { whom: whom(), name: name() },
        Request::Remove { whom: whom() },
        Request::Edit { whom: whom(), changes },
        Request::Enrol { who, space: TemplateSpace::new("fuzz").unwrap(), references },
    ]
    .iter()
    .enumerate()
    {
        write("request", &format!("request-{i}"), &request.frame().unwrap())?;
    }
    Ok(())
}
