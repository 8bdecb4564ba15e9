//! Group, dates and note of a person, from the command line.

use mfn_admin::Change;
use mfn_gallery::{Group, Note};

use crate::cli::DetailArgs;
use crate::dates;
use crate::exit::{Exit, Failure};

/// What is to be changed; what is not named stays.
///
/// # Errors
/// Exit code 2 for a date that is none, or a text over its limits, with the option that it was given to.
pub fn changes(args: &DetailArgs) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    if let Some(text) = &args.group {
        let group = (!text.is_empty()).then(|| Group::new(text)).transpose();
        changes.push(Change::Group(group.map_err(|e| wrong("--group", e))?));
    }
    type Made = fn(Option<u64>) -> Change;
    let dates: [(&str, &Option<String>, Made); 3] = [
        ("--valid-from", &args.valid_from, Change::ValidFrom),
        ("--valid-until", &args.valid_until, Change::ValidUntil),
        ("--erase-after", &args.erase_after, Change::EraseAfter),
    ];
    for (option, text, change) in dates {
        if let Some(text) = text {
            changes.push(change(dates::parse(text).map_err(|e| wrong(option, e))?));
        }
    }
    if let Some(text) = &args.note {
        changes.push(Change::Note(Note::new(text).map_err(|e| wrong("--note", e))?));
    }
    Ok(changes)
}

fn wrong(option: &str, what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("{option}: {what}"))
}
