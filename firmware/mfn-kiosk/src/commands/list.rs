//! `list`: who is known.

use mfn_admin::{Entry, Reply, Request};
use mfn_gallery::{Access, Gallery};

use crate::cli::WholeArgs;
use crate::config::Config;
use crate::engines::GalleryPlace;
use crate::exit::{Exit, Failure};
use crate::{dates, office, report};

pub fn execute(args: &WholeArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.gallery.with.file)?;
    let dir = config.gallery(&args.gallery.gallery);
    let mut people = Vec::new();
    let mut take = |reply| {
        if let Reply::Person(entry) = reply {
            people.push(entry);
        }
    };
    let asked = office::ask(&config, &dir, &Request::List, &mut take)?;
    if asked.is_none()
        && let Some(place) = GalleryPlace::existing(&config, &dir)?
    {
        people = place.open(Access::Read)?.people().iter().map(Entry::from).collect();
    }
    if args.json.json {
        report::json(&people)?;
        return Ok(Exit::Ok);
    }
    for person in &people {
        report::line(&describe(person))?;
    }
    report::line(&format!("{} enrolled in {}", people.len(), dir.display()))?;
    Ok(Exit::Ok)
}

fn describe(person: &Entry) -> String {
    let count = person.templates.len();
    let plural = if count == 1 { "template" } else { "templates" };
    let mut text = format!("{:>6}  {}  ({count} {plural}", format!("#{}", person.id), person.name);
    if !person.enabled {
        text.push_str(", disabled");
    }
    if let Some(group) = &person.group {
        text.push_str(&format!(", group {group}"));
    }
    let dates = [
        ("from", person.valid_from_unix),
        ("until", person.valid_until_unix),
        ("erased after", person.erase_after_unix),
    ];
    for (word, date) in dates {
        if let Some(date) = date {
            text.push_str(&format!(", {word} {}", dates::show(date)));
        }
    }
    text.push(')');
    if !person.note.is_empty() {
        text.push_str(&format!("  {}", person.note.replace('\n', " / ")));
    }
    text
}
