//! `enrol`: make a person known. Photographs are read and checked here; a kiosk that runs lends its camera
//! and is the one that changes the gallery.

use mfn_admin::{MAX_REFERENCES, Reference, Reply, Request, Who};
use mfn_gallery::Access;
use serde_json::json;

use super::{checked_name, details};
use crate::cli::EnrolArgs;
use crate::config::Config;
use crate::engines::Chosen;
use crate::enrolment::{Gathering, from_camera, from_photos};
use crate::exit::{Exit, Failure};
use crate::progress::Working;
use crate::{engines, office, report};

pub fn execute(args: &EnrolArgs) -> Result<Exit, Failure> {
    let who = Who {
        name: checked_name(&args.name)?,
        add: args.add,
        force: args.force,
        changes: details::changes(&args.details)?,
    };
    if args.photo.len() > MAX_REFERENCES {
        let what =
            format!("more than {MAX_REFERENCES} photographs at a time: enrol some, then --add the others");
        return Err(Failure::new(Exit::Usage, what));
    }
    let mut config = Config::load(&args.with.file)?;
    let dir = config.gallery(&args.gallery);
    if args.camera
        && args.source.source.is_none()
        && let Some(reply) = in_front_of_the_kiosk(args, &config, &who)?
    {
        return tell(args, &who, &reply, Vec::new());
    }
    let chosen = engines::choose(&mut config, &args.with)?;
    let place = chosen.gallery_place(&config, &dir);
    let (references, objections) = gather(args, &config, &chosen)?;
    let objections = judge(objections, args.force)?;
    let request = Request::Enrol { who: who.clone(), space: place.space().clone(), references };
    let open = || place.open(Access::Write);
    let reply = office::carry_out(&config, &dir, &request, &open)?;
    tell(args, &who, &reply, objections)
}

/// Lets the kiosk that runs look at the person; none when none runs.
fn in_front_of_the_kiosk(args: &EnrolArgs, config: &Config, who: &Who) -> Result<Option<Reply>, Failure> {
    let working = Working::on("look at the kiosk's camera");
    let request = Request::EnrolHere { who: who.clone(), frames: args.good_frames as usize };
    let mut say = |reply| {
        if let Reply::Progress(what) = reply {
            working.tell(&what);
        }
    };
    office::ask(config, &config.gallery(&args.gallery), &request, &mut say)
}

/// References, and what is wrong with some.
fn gather(
    args: &EnrolArgs,
    config: &Config,
    chosen: &Chosen,
) -> Result<(Vec<Reference>, Vec<String>), Failure> {
    let mut pipeline = {
        let _working = Working::on("loading the networks");
        chosen.pipeline(config)?
    };
    let limits = config.enrolment_limits();
    if args.camera {
        let setup = config.camera(args.source.source.as_deref(), std::time::Instant::now())?;
        let gathering = Gathering::new(args.good_frames as usize, limits);
        return Ok((from_camera(&mut pipeline, &setup, gathering)?, Vec::new()));
    }
    let found = from_photos(&mut pipeline, &args.photo, &limits)?;
    Ok((found.references, found.objections))
}

/// Low quality is refused here, where the photographs are, unless it is forced.
fn judge(objections: Vec<String>, force: bool) -> Result<Vec<String>, Failure> {
    if objections.is_empty() || force {
        return Ok(objections);
    }
    let what = format!("nothing was enrolled: {} (--force overrides this)", objections.join("; "));
    Err(Failure::new(Exit::Photo, what))
}

fn tell(args: &EnrolArgs, who: &Who, reply: &Reply, objections: Vec<String>) -> Result<Exit, Failure> {
    let Reply::Enrolled { id, pictures, warnings } = reply else {
        return Err(Failure::new(Exit::Kiosk, "the running kiosk gave another answer"));
    };
    let warnings: Vec<&String> = objections.iter().chain(warnings).collect();
    for warning in &warnings {
        log::warn!("{warning}; enrolled all the same, as --force says");
    }
    if args.json.json {
        let pictures =
            pictures.iter().map(|p| json!({ "from": p.from, "quality": report::rounded(p.quality) }));
        report::json(&json!({
            "id": id,
            "name": who.name.as_str(),
            "added": pictures.len(),
            "pictures": pictures.collect::<Vec<_>>(),
            "warnings": warnings,
        }))?;
        return Ok(Exit::Ok);
    }
    for picture in pictures {
        report::line(&format!("{}: quality {:.2}", picture.from, picture.quality))?;
    }
    report::line(&format!("{} is enrolled as #{id} with {} new template(s)", who.name, pictures.len()))?;
    Ok(Exit::Ok)
}
