//! `gallery export` and `gallery import`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use mfn_gallery::{Access, Backup, Cost, Gallery, Imported, Removed};
use mfn_template::PersonId;
use serde_json::json;

use super::{existing, passphrase};
use crate::cli::{ExportArgs, ImportArgs};
use crate::config::Config;
use crate::engines::{self, GalleryPlace};
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use crate::report;

pub fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let (_, place) = existing(&args.gallery)?;
    if !args.replace && args.file.symlink_metadata().is_ok() {
        let what = format!("{} is there already: name another file, or say --replace", args.file.display());
        return Err(Failure::new(Exit::Usage, what));
    }
    let gallery = place.open(Access::Read)?;
    if let Some(damage) = gallery.findings().iter().find(|finding| finding.is_damage()) {
        log::warn!("the backup lacks what is damaged: {damage}");
    }
    let passphrase = passphrase::new(&args.passphrase)?;
    let working = Working::on("sealing");
    let people =
        write(&args.file, |out| gallery.export(out, &passphrase, Cost::default()).or_exit(Exit::Gallery))?;
    drop(working);
    let bytes = args.file.metadata().or_exit(Exit::Failure)?.len();
    if args.json.json {
        report::json(&json!({ "file": args.file, "people": people, "bytes": bytes }))?;
    } else {
        let file = args.file.display();
        report::line(&format!(
            "{people} people are in {file} ({bytes} bytes); its passphrase opens it, no key"
        ))?;
    }
    Ok(Exit::Ok)
}

/// A whole file or none: beside its place (mode 0600), synced, then put there.
fn write(path: &Path, body: impl FnOnce(&mut dyn Write) -> Result<usize, Failure>) -> Result<usize, Failure> {
    let failed = |e: std::io::Error| {
        let what = format!("the backup {} cannot be written: {e}; nothing was", path.display());
        Failure::new(Exit::Failure, what)
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut out = BufWriter::new(file.as_file());
    let people = body(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(people)
}

pub fn import(args: &ImportArgs) -> Result<Exit, Failure> {
    let mut config = Config::load(&args.gallery.with.file)?;
    let dir = config.gallery(&args.gallery.gallery);
    let unread = |e: &dyn std::fmt::Display| {
        Failure::new(Exit::Gallery, format!("backup {}: {e}; nobody was imported", args.file.display()))
    };
    let file = File::open(&args.file).map_err(|e| unread(&e))?;
    let passphrase = passphrase::known(&args.passphrase)?;
    let working = Working::on("reading the backup");
    let backup = Backup::read(file, &passphrase).map_err(|e| unread(&e))?;
    let place = match GalleryPlace::existing(&config, &dir)? {
        Some(place) => place,
        None => engines::choose(&mut config, &args.gallery.with)?.gallery_place(&config, &dir),
    };
    let mut gallery = place.open(Access::Write)?;
    let removed = if args.readmit { Removed::Readmit } else { Removed::LeaveOut };
    let done = gallery.import(&backup, removed).or_exit(Exit::Gallery)?;
    drop(working);
    if args.json.json {
        report::json(&describe(&done, args.readmit))?;
    } else {
        tell(&done, args.readmit, gallery.people().len())?;
    }
    let left_out = !done.name_taken.is_empty() || (!args.readmit && !done.removed_since.is_empty());
    Ok(Exit::answer(!left_out))
}

fn describe(done: &Imported, readmit: bool) -> serde_json::Value {
    let ids = |ids: &[PersonId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let taken = done.name_taken.iter().map(|(id, name)| json!({ "id": id.0, "name": name.as_str() }));
    json!({
        "added": done.added.iter().map(|(from, id)| json!({ "backup_id": from.0, "id": id.0 })).collect::<Vec<_>>(),
        "already_here": ids(&done.here),
        "removed_since": ids(&done.removed_since),
        "readmitted": readmit,
        "name_taken": taken.collect::<Vec<_>>(),
        "removed_here": ids(&done.removed_here),
    })
}

fn tell(done: &Imported, readmit: bool, people: usize) -> Result<(), Failure> {
    let list = |ids: &[PersonId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    report::line(&format!(
        "{} people came in, {} were here already; {people} are enrolled now",
        done.added.len(),
        done.here.len()
    ))?;
    if !done.removed_since.is_empty() {
        let what =
            if readmit { "enrolled anew, as --readmit says" } else { "left out; --readmit enrols them anew" };
        report::line(&format!(
            "removed after the backup was made, and {what}: {} (numbers in the backup)",
            list(&done.removed_since)
        ))?;
    }
    for (id, name) in &done.name_taken {
        report::line(&format!("left out: {name} ({id} in the backup), whose name somebody else has here"))?;
    }
    if !done.removed_here.is_empty() {
        report::line(&format!(
            "removed here, as the backup's erasure list says: {}",
            list(&done.removed_here)
        ))?;
    }
    Ok(())
}
