//! `calibrate`: error rates of one's own gallery, and the threshold that follows from a target. `measure`
//! compares, `strangers` reads photographs, `report` says what came out and what it can bear.

mod measure;
mod report;
mod strangers;

use mfn_gallery::{Access, FileGallery, Gallery};
use mfn_rates::Tail;
use mfn_template::Template;

use crate::calibration::Calibration;
use crate::cli::CalibrateArgs;
use crate::config::Config;
use crate::engines;
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use measure::{Measured, Subject};
use report::Findings;
use strangers::Strangers;

/// People of the gallery who are compared with everybody, evenly taken from all: more tell little more and
/// take time and memory in proportion to the square.
const MOST: usize = 1000;

pub fn execute(args: &CalibrateArgs) -> Result<Exit, Failure> {
    let mut config = Config::load_uncalibrated(&args.with.file)?;
    let chosen = engines::choose(&mut config, &args.with)?;
    let place = chosen.gallery_place(&config, &config.gallery(&args.gallery));
    let gallery = place.open(Access::Read)?;
    let enrolled = subjects(&gallery)?;
    let strangers = match &args.strangers {
        Some(folder) => Strangers::read(folder, &mut chosen.pipeline(&config)?)?,
        None => Strangers::default(),
    };
    let votes = config.settings.decision.votes;
    let measured = {
        let working = Working::through(enrolled.len() + strangers.subjects.len(), "comparing");
        Measured::of(&enrolled, &strangers.subjects, votes as usize, &|| working.step())
    };
    let Some(tail) = Tail::fit(&measured.pairs, measured.people()) else {
        let what = format!(
            "{} comparisons of different people are too few, 100 are needed: --strangers DIR brings more",
            measured.pairs.len()
        );
        return Err(Failure::new(Exit::No, what));
    };
    let made = chrono::Local::now().format("%Y-%m-%d %H:%M").to_string();
    let people = measured.people();
    let calibration = Calibration { made, space: place.space().to_string(), votes, people, tail };
    let target = args.target_fpir.unwrap_or(config.settings.decision.target_fpir);
    let findings = Findings {
        enrolled: gallery.people().len(),
        compared: enrolled.len(),
        strangers,
        measured,
        target,
        threshold: calibration.threshold(gallery.people().len(), target),
        calibration,
    };
    findings.print(args.json.json)?;
    if let Some(path) = &args.save {
        findings.calibration.save(path)?;
    }
    Ok(Exit::Ok)
}

/// The people of a gallery, at most [`MOST`].
fn subjects(gallery: &FileGallery) -> Result<Vec<Subject>, Failure> {
    let people = gallery.people();
    let step = people.len().div_ceil(MOST).max(1);
    let subject = |person: &mfn_gallery::Person| {
        let values = gallery.values_of(person.id);
        let templates: Result<Vec<Template>, _> = values.into_iter().map(Template::normalise).collect();
        Ok(Subject { templates: templates.or_exit(Exit::Gallery)? })
    };
    people.iter().step_by(step).map(subject).collect()
}
