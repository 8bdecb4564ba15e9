//! `gallery check`, `gallery compact` and `gallery migrate`.

use mfn_gallery::{Access, Check, Gallery, Migration, Person};
use serde_json::json;

use super::{existing, nothing};
use crate::cli::WholeArgs;
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use crate::{engines, report};

pub fn check(args: &WholeArgs) -> Result<Exit, Failure> {
    let (config, place) = existing(&args.gallery)?;
    let dir = config.gallery(&args.gallery.gallery);
    let working = Working::on("verifying");
    let check = Check::of(&dir, &place.key()?).or_exit(Exit::Gallery)?;
    drop(working);
    let Some(check) = check else { return Err(nothing(&dir)) };
    if args.json.json {
        report::json(&describe(&check))?;
        return Ok(Exit::answer(check.is_sound()));
    }
    for finding in &check.findings {
        report::line(&format!("{}: {finding}", if finding.is_damage() { "DAMAGE" } else { "note" }))?;
    }
    for remark in &check.remarks {
        report::line(&format!("note: {remark}"))?;
    }
    let description = &check.description;
    report::line(&format!(
        "{}: format {}, {} ({} values), {} people, {} templates, {} erased, {} changes, journal {} of {} places",
        if check.is_sound() { "sound" } else { "DAMAGED, restore a backup" },
        description.version,
        description.space,
        description.dimension,
        check.people,
        check.templates,
        check.erased,
        check.generation,
        check.journal.0,
        check.journal.1
    ))?;
    Ok(Exit::answer(check.is_sound()))
}

fn describe(check: &Check) -> serde_json::Value {
    let findings = check
        .findings
        .iter()
        .map(|finding| json!({ "what": finding.to_string(), "damage": finding.is_damage() }));
    json!({
        "sound": check.is_sound(),
        "version": check.description.version,
        "space": check.description.space.as_str(),
        "dimension": check.description.dimension,
        "people": check.people,
        "templates": check.templates,
        "erased": check.erased,
        "generation": check.generation,
        "journal_used": check.journal.0,
        "journal": check.journal.1,
        "findings": findings.collect::<Vec<_>>(),
        "remarks": check.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

pub fn compact(args: &WholeArgs) -> Result<Exit, Failure> {
    let (_, place) = existing(&args.gallery)?;
    let mut gallery = place.open(Access::Write)?;
    let before = gallery.free_slots();
    let working = Working::on("compacting");
    gallery.compact().or_exit(Exit::Gallery)?;
    drop(working);
    let (after, people) = (gallery.free_slots(), gallery.people().len());
    if args.json.json {
        report::json(&json!({ "people": people, "free_before": before, "free": after }))?;
    } else {
        report::line(&format!(
            "{people} people written anew; {after} journal places are free, {before} were"
        ))?;
    }
    Ok(Exit::Ok)
}

pub fn migrate(args: &WholeArgs) -> Result<Exit, Failure> {
    let (mut config, found) = existing(&args.gallery)?;
    let dir = config.gallery(&args.gallery.gallery);
    let wanted = engines::choose(&mut config, &args.gallery.with)?.gallery_place(&config, &dir);
    let migration =
        Migration::of(&dir, &found.key()?, wanted.space(), wanted.dimension()).or_exit(Exit::Gallery)?;
    match migration {
        Migration::Nothing => Err(nothing(&dir)),
        Migration::Current(description) => {
            if args.json.json {
                report::json(&json!({ "reenrol": false, "version": description.version, "people": [] }))?;
            } else {
                report::line(&format!(
                    "nothing to do: format {} and model {} are the present ones",
                    description.version, description.space
                ))?;
            }
            Ok(Exit::Ok)
        }
        Migration::Reenrol { found, people } => {
            reenrol(&people, args.json.json, found.space.as_str(), wanted.space().as_str())?;
            Ok(Exit::No)
        }
    }
}

fn reenrol(people: &[Person], json: bool, found: &str, wanted: &str) -> Result<(), Failure> {
    if json {
        let entries: Vec<mfn_admin::Entry> = people.iter().map(Into::into).collect();
        return report::json(
            &json!({ "reenrol": true, "found": found, "wanted": wanted, "people": entries }),
        );
    }
    for person in people {
        report::line(&format!("{:>6}  {}", person.id.to_string(), person.name))?;
    }
    report::line(&format!(
        "{} people have templates of {found}, which cannot be converted into {wanted}: enrol them again into a new folder (--gallery); the old gallery stays as it is",
        people.len()
    ))
}
