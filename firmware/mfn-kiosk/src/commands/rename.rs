//! `rename`: another name for a person.

use mfn_gallery::{Access, Gallery};
use serde_json::json;

use super::{checked_name, person_named};
use crate::cli::RenameArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::{engines, report};

pub fn execute(args: &RenameArgs) -> Result<Exit, Failure> {
    let name = checked_name(&args.name)?;
    let config = Config::load(&args.gallery.with.file)?;
    let chosen = engines::choose(&config, &args.gallery.with)?;
    let mut gallery = chosen.gallery(&config, &args.gallery.gallery, Access::Write)?;
    let person = person_named(&gallery, &args.person)?;
    let (id, old) = (person.id, person.name.clone());
    gallery.rename(id, &name).or_exit(Exit::Gallery)?;
    if args.json.json {
        report::json(&json!({ "id": id.0, "old": old.as_str(), "name": name.as_str() }))?;
    } else {
        report::line(&format!("{id} {old} is now {name}"))?;
    }
    Ok(Exit::Ok)
}
