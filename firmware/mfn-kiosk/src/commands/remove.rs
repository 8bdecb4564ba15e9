//! `remove`: forget a person.

use mfn_gallery::{Access, Gallery};
use serde_json::json;

use super::person_named;
use crate::cli::RemoveArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::{engines, report};

pub fn execute(args: &RemoveArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.gallery.with.file)?;
    let chosen = engines::choose(&config, &args.gallery.with)?;
    let mut gallery = chosen.gallery(&config, &args.gallery.gallery, Access::Write)?;
    let person = person_named(&gallery, &args.person)?;
    let (id, name) = (person.id, person.name.clone());
    gallery.remove(id).or_exit(Exit::Gallery)?;
    if args.json.json {
        report::json(&json!({ "id": id.0, "name": name.as_str() }))?;
    } else {
        report::line(&format!("{id} {name} is forgotten; {} remain", gallery.people().len()))?;
    }
    Ok(Exit::Ok)
}
