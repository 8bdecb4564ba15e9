//! `remove`: forget a person.

use mfn_admin::{Request, Whom};
use serde_json::json;

use super::change_person;
use crate::cli::PersonArgs;
use crate::exit::{Exit, Failure};
use crate::report;

pub fn execute(args: &PersonArgs) -> Result<Exit, Failure> {
    let request = Request::Remove { whom: Whom(args.person.clone()) };
    let done = change_person(&args.gallery, &args.person, &request)?;
    if args.json.json {
        report::json(&json!({ "id": done.id, "name": done.name }))?;
    } else {
        report::line(&format!("#{} {} is forgotten; {} remain", done.id, done.name, done.people))?;
    }
    Ok(Exit::Ok)
}
