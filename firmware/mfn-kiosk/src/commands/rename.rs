//! `rename`: another name for a person.

use mfn_admin::{Request, Whom};
use serde_json::json;

use super::{change_person, checked_name};
use crate::cli::RenameArgs;
use crate::exit::{Exit, Failure};
use crate::report;

pub fn execute(args: &RenameArgs) -> Result<Exit, Failure> {
    let name = checked_name(&args.name)?;
    let request = Request::Rename { whom: Whom(args.person.clone()), name: name.clone() };
    let done = change_person(&args.gallery, &args.person, &request)?;
    if args.json.json {
        report::json(&json!({ "id": done.id, "old": done.name, "name": name.as_str() }))?;
    } else {
        report::line(&format!("#{} {} is now {name}", done.id, done.name))?;
    }
    Ok(Exit::Ok)
}
