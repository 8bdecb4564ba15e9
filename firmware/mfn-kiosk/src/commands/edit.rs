//! `edit`, `disable`, `enable`: what is kept about a person beside name and templates.

use mfn_admin::{Change, Request, Whom};
use serde_json::json;

use super::{change_person, details};
use crate::cli::{EditArgs, PersonArgs, StoreArgs};
use crate::exit::{Exit, Failure};
use crate::report;

pub fn execute(args: &EditArgs) -> Result<Exit, Failure> {
    let changes = details::changes(&args.details)?;
    if changes.is_empty() {
        let what = "nothing to change: name --group, --valid-from, --valid-until, --erase-after or --note";
        return Err(Failure::new(Exit::Usage, what));
    }
    edit(&args.gallery, &args.person, changes, args.json.json, "is changed")
}

pub fn enable(args: &PersonArgs, enabled: bool) -> Result<Exit, Failure> {
    let words = if enabled { "is let in again" } else { "is kept, but not let in" };
    edit(&args.gallery, &args.person, vec![Change::Enabled(enabled)], args.json.json, words)
}

fn edit(
    gallery: &StoreArgs,
    person: &str,
    changes: Vec<Change>,
    json: bool,
    words: &str,
) -> Result<Exit, Failure> {
    let done = change_person(gallery, person, &Request::Edit { whom: Whom(person.to_owned()), changes })?;
    if json {
        report::json(&json!({ "id": done.id, "name": done.name }))?;
    } else {
        report::line(&format!("#{} {} {words}", done.id, done.name))?;
    }
    Ok(Exit::Ok)
}
