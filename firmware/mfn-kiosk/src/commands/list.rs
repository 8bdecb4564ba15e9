//! `list`: who is known.

use mfn_gallery::{Access, Gallery, Person};
use serde_json::json;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::{engines, report};

pub fn execute(args: &ListArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.gallery.with.file)?;
    let chosen = engines::choose(&config, &args.gallery.with)?;
    let gallery = chosen.gallery(&config, &args.gallery.gallery, Access::Read)?;
    if args.json.json {
        report::json(&gallery.people().iter().map(describe).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    for person in gallery.people() {
        let count = person.templates.len();
        let plural = if count == 1 { "template" } else { "templates" };
        report::line(&format!("{:>6}  {}  ({count} {plural})", person.id.to_string(), person.name))?;
    }
    let people = gallery.people().len();
    report::line(&format!("{people} enrolled in {}", gallery.path().display()))?;
    Ok(Exit::Ok)
}

fn describe(person: &Person) -> serde_json::Value {
    let templates = person.templates.iter();
    json!({
        "id": person.id.0,
        "name": person.name.as_str(),
        "templates": templates
            .map(|note| json!({ "quality": report::rounded(note.quality), "taken_unix": note.taken_unix }))
            .collect::<Vec<_>>(),
    })
}
