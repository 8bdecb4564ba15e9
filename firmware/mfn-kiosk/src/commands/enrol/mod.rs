//! `enrol`: make a person known. `references` gathers faces, `checks` says which must not be enrolled.

mod checks;
mod references;

use std::time::SystemTime;

use mfn_gallery::{Access, EnrolTemplate, FileGallery, Gallery, PersonName};
use mfn_template::PersonId;
use serde_json::json;

use super::checked_name;
use crate::cli::EnrolArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use crate::{engines, report};
use references::Reference;

pub fn execute(args: &EnrolArgs) -> Result<Exit, Failure> {
    let name = checked_name(&args.name)?;
    let config = Config::load(&args.with.file)?;
    let chosen = engines::choose(&config, &args.with)?;
    let mut gallery = chosen.gallery(&config, &args.gallery, Access::Write)?;
    let person = known_person(&gallery, &name, args.add)?;
    let mut pipeline = {
        let _working = Working::on("loading the networks");
        chosen.pipeline(&config)?
    };
    let limits = config.enrolment_limits();
    let references = if args.camera {
        let setup = config.camera(args.source.source.as_deref(), std::time::Instant::now())?;
        references::from_camera(&mut pipeline, &setup, args.good_frames as usize, &limits)?
    } else {
        references::from_photos(&mut pipeline, &args.photo)?
    };
    let mut warnings = checks::quality(&references, &limits);
    warnings.extend(checks::agreement(&references, config.threshold()));
    warnings.extend(checks::others(&references, &gallery, person, &config));
    judge(&warnings, args.force)?;
    let id = save(&mut gallery, person, &name, &references)?;
    tell(args, id, &name, &references, &warnings)?;
    Ok(Exit::Ok)
}

/// The person of that name, who must be there with `--add` and must not be there without.
fn known_person(gallery: &FileGallery, name: &PersonName, add: bool) -> Result<Option<PersonId>, Failure> {
    let person = gallery.find(name.as_str()).map(|person| person.id);
    let what = match (person, add) {
        (Some(id), false) => format!(
            "{name} is enrolled already ({id}): --add adds pictures of the same person, another person needs another name"
        ),
        (None, true) => format!("nobody named {name} is enrolled: leave --add out"),
        _ => return Ok(person),
    };
    Err(Failure::new(Exit::Gallery, what))
}

/// Every objection is told; without `--force` the first one refuses.
fn judge(warnings: &[String], force: bool) -> Result<(), Failure> {
    if force {
        warnings.iter().for_each(|warning| log::warn!("{warning}; enrolled all the same, as --force says"));
        return Ok(());
    }
    match warnings {
        [] => Ok(()),
        all => Err(Failure::new(
            Exit::Photo,
            format!("nothing was enrolled: {} (--force overrides this)", all.join("; ")),
        )),
    }
}

fn save(
    gallery: &mut FileGallery,
    person: Option<PersonId>,
    name: &PersonName,
    references: &[Reference],
) -> Result<PersonId, Failure> {
    let taken = SystemTime::now();
    let templates: Vec<_> = references
        .iter()
        .map(|r| EnrolTemplate { template: r.face.template.clone(), quality: r.face.quality.score(), taken })
        .collect();
    match person {
        Some(id) => gallery.add_templates(id, &templates).map(|()| id),
        None => gallery.enrol(name, &templates),
    }
    .or_exit(Exit::Gallery)
}

fn tell(
    args: &EnrolArgs,
    id: PersonId,
    name: &PersonName,
    references: &[Reference],
    warnings: &[String],
) -> Result<(), Failure> {
    if args.json.json {
        let pictures = references
            .iter()
            .map(|r| json!({ "from": r.from, "quality": report::rounded(r.face.quality.score()) }));
        return report::json(&json!({
            "id": id.0,
            "name": name.as_str(),
            "added": references.len(),
            "pictures": pictures.collect::<Vec<_>>(),
            "warnings": warnings,
        }));
    }
    for reference in references {
        report::line(&format!("{}: quality {:.2}", reference.from, reference.face.quality.score()))?;
    }
    report::line(&format!("{name} is enrolled as {id} with {} new template(s)", references.len()))
}
