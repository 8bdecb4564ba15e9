//! `demo`: portraits walk up to a simulated door. `script` says what happens, `walk` renders it, `world` is
//! the kiosk in simulated time, `pictures` draws what came of it.

mod pictures;
mod script;
mod walk;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mfn_access::{AccessControl, AccessRules, Decision};
use mfn_gallery::{Access, EnrolTemplate, FileGallery, Gallery};
use mfn_vision::RgbImage;
use serde_json::json;

use crate::cli::DemoArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::{Pipeline, Stages};
use crate::progress::Working;
use crate::{engines, photos, report};
use script::{Expected, STEPS, Scene, Step};
use walk::{Portrait, Walk};
use world::{Shown, World};

/// The frames of every demo follow from this number.
const SEED: u64 = 20_261_124;

type Portraits = BTreeMap<&'static str, Portrait>;

pub fn execute(args: &DemoArgs) -> Result<Exit, Failure> {
    let mut config = Config::load(&args.with.file)?;
    let photos = load_photos(&args.faces)?;
    let out = output_folder(args.out.as_deref())?;
    let folder = tempfile::tempdir().or_exit(Exit::Gallery)?;
    let mut world = build(&mut config, args, folder.path())?;
    let portraits = find_faces(&mut world.pipeline, photos)?;
    let mut walk = Walk::new(SEED);
    let (mut all, mut sheet) = (true, Vec::new());
    for (number, step) in (1..).zip(&STEPS) {
        let shown = world.approach(&render(&mut walk, step.scene, &portraits))?;
        let open = world.pass_time()?;
        let result = StepResult::of(step, &shown, open);
        let picture = pictures::draw_step(step, result.moment, &world.gallery, config.threshold(1));
        let path = pictures::save(&picture, &out, number, step.title)?;
        sheet.push((picture, result.caption()));
        all &= result.as_expected();
        result.print(args.json.json, config.threshold(1), &path)?;
    }
    let path = pictures::save_sheet(&sheet, &out)?;
    print_end(args.json.json, all, &path)?;
    Ok(Exit::answer(all))
}

/// Loads networks, enrols the person into a gallery that lives as long as the demo, closes the door.
fn build(config: &mut Config, args: &DemoArgs, folder: &Path) -> Result<World, Failure> {
    let _working = Working::on("loading the networks");
    let chosen = engines::choose(config, &args.with)?;
    let mut pipeline = chosen.pipeline(config)?;
    let mut gallery = chosen.gallery_in(&folder.join("gallery"), Access::Write).or_exit(Exit::Gallery)?;
    enrol(&mut pipeline, &mut gallery, &args.faces.join(script::ENROLLED), config, args.json.json)?;
    let people = gallery.people().iter().map(|person| person.id);
    let access = AccessControl::new(config.policy(1)?, AccessRules::always(people));
    World::new(pipeline, gallery, access, config.door()?.policy)
}

fn enrol(
    pipeline: &mut Pipeline,
    gallery: &mut FileGallery,
    photo: &Path,
    config: &Config,
    json: bool,
) -> Result<(), Failure> {
    let face = photos::one_face(pipeline, photo)?;
    let limits = config.enrolment_limits();
    limits
        .check(&face.quality)
        .map_err(|e| Failure::new(Exit::Photo, format!("{}: {e}", photo.display())))?;
    let quality = face.quality.score();
    let template = EnrolTemplate { template: face.template, quality, taken: SystemTime::now() };
    let name = script::NAME.parse().or_exit(Exit::Failure)?;
    let id = gallery.enrol(&name, &[template]).or_exit(Exit::Gallery)?;
    if json {
        return report::json(
            &json!({ "event": "enrolled", "id": id.0, "name": script::NAME, "quality": report::rounded(quality) }),
        );
    }
    report::line(&format!(
        "enrolled {} as {id} from {} (quality {quality:.2})",
        script::NAME,
        photo.display()
    ))?;
    report::line(&format!(
        "threshold {:.3}; {} of {} frames must agree",
        config.threshold(1),
        config.settings.decision.votes,
        config.settings.decision.window
    ))
}

fn load_photos(folder: &Path) -> Result<Vec<(&'static str, RgbImage)>, Failure> {
    let scenes = STEPS.iter().flat_map(|step| [step.scene.portrait(0), step.scene.portrait(script::FRAMES)]);
    let names = scenes.flatten().chain([script::ENROLLED]);
    if !folder.is_dir() {
        let what = format!(
            "no folder {}: run the demo in the sources' top folder, or name the folder of portraits with --faces",
            folder.display()
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    names.map(|name| Ok((name, photos::load(&folder.join(name))?))).collect()
}

/// Where the walker's face is, so that every walker has it at the same height.
fn find_faces(pipeline: &mut Pipeline, photos: Vec<(&'static str, RgbImage)>) -> Result<Portraits, Failure> {
    let find = |(name, picture): (&'static str, RgbImage)| {
        let nearest = pipeline.detect(&picture)?.first().map(|detection| detection.face);
        let face = nearest.ok_or_else(|| Failure::new(Exit::Photo, format!("{name} shows no face")))?;
        Ok((name, Portrait { picture, face }))
    };
    photos.into_iter().map(find).collect()
}

/// `target/` is where cargo puts everything that is made; without one, the current folder.
fn output_folder(wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let default = if Path::new("target").is_dir() { "target/demo" } else { "demo-out" };
    let out = wanted.unwrap_or(Path::new(default));
    std::fs::create_dir_all(out)
        .map_err(|e| Failure::new(Exit::Failure, format!("cannot make the folder {}: {e}", out.display())))?;
    Ok(out.to_owned())
}

fn render(walk: &mut Walk, scene: Scene, portraits: &Portraits) -> Vec<RgbImage> {
    let frame = |index: usize| {
        let mut frame = RgbImage::default();
        let progress = index as f32 / (script::FRAMES - 1) as f32;
        match scene.portrait(index).and_then(|name| portraits.get(name)) {
            Some(portrait) => walk.person(portrait, progress, &mut frame),
            None => walk.empty(&mut frame),
        }
        frame
    };
    (0..script::FRAMES).map(frame).collect()
}

/// What came of one step.
struct StepResult<'a> {
    step: &'a Step,
    shown: &'a [Shown],
    /// The frame that tells most: the first that was decided on, else the last.
    moment: &'a Shown,
    outcome: Expected,
    open: Duration,
}

impl<'a> StepResult<'a> {
    fn of(step: &'a Step, shown: &'a [Shown], open: Duration) -> StepResult<'a> {
        let granted = |s: &&Shown| matches!(s.decision, Some(Decision::Grant { .. }));
        let decided = |s: &&Shown| s.decision.is_some();
        let grant = shown.iter().find(granted);
        let first = grant.or_else(|| shown.iter().find(decided));
        let outcome = match (grant, first) {
            (Some(_), _) => Expected::Grant,
            (None, Some(_)) => Expected::Deny,
            (None, None) => Expected::Nothing,
        };
        let moment = first.unwrap_or(&shown[shown.len() - 1]);
        StepResult { step, shown, moment, outcome, open }
    }

    /// The outcome is the expected one, and the line was on if and only if somebody was let in.
    fn as_expected(&self) -> bool {
        let line_was_on = self.open > Duration::ZERO || self.shown.iter().any(|s| s.line_on);
        self.outcome == self.step.expected && line_was_on == (self.outcome == Expected::Grant)
    }

    /// The highest similarity of the nearest faces.
    fn similarity(&self) -> Option<f32> {
        self.shown.iter().filter_map(Shown::best).map(|best| best.similarity).max_by(f32::total_cmp)
    }

    fn verdict(&self) -> &'static str {
        if self.as_expected() { "as expected" } else { "NOT AS EXPECTED" }
    }

    fn caption(&self) -> String {
        let similarity = self.similarity().map_or_else(String::new, |s| format!(", similarity up to {s:.2}"));
        format!("{}: {}{similarity}", self.step.title, pictures::decision_line(self.moment))
    }

    fn times(&self) -> Stages<f64> {
        let mut sum = Stages::default();
        self.shown.iter().for_each(|s| sum.add(&s.times));
        sum.milliseconds(self.shown.len() as u64)
    }

    fn print(&self, json: bool, threshold: f32, picture: &Path) -> Result<(), Failure> {
        let with_face = self.shown.iter().filter(|s| !s.faces.is_empty()).count();
        let decision = pictures::decision_line(self.moment);
        if json {
            return report::json(&json!({
                "event": "step",
                "title": self.step.title,
                "expected": self.step.expected,
                "outcome": self.outcome,
                "as_expected": self.as_expected(),
                "decision": decision,
                "similarity": self.similarity().map(report::rounded),
                "threshold": report::rounded(threshold),
                "margin": self.similarity().map(|s| report::rounded(s - threshold)),
                "frames": self.shown.len(),
                "frames_with_face": with_face,
                "line_on": self.moment.line_on,
                "stage_ms": self.times(),
                "picture": picture,
            }));
        }
        let similarity = self.similarity().map_or_else(|| "no face".to_owned(), |s| against(s, threshold));
        let line = if self.moment.line_on { "on" } else { "off" };
        report::line(&format!(
            "{:31} {with_face:2} of {} frames with a face, {similarity}: {decision}; \
             door line {line}; {}",
            self.step.title,
            self.shown.len(),
            self.verdict()
        ))?;
        let ms = self.times();
        report::line(&format!(
            "{:31} ms a frame: convert {:.2}, detect {:.2}, align {:.2}, embed {:.2}, search {:.3}",
            "", ms.convert, ms.detect, ms.align, ms.embed, ms.search
        ))
    }
}

/// A similarity with its margin to the threshold.
fn against(similarity: f32, threshold: f32) -> String {
    let side = if similarity >= threshold { "over" } else { "under" };
    let margin = (similarity - threshold).abs();
    format!("similarity up to {similarity:.3}, {margin:.3} {side} the threshold")
}

fn print_end(json: bool, all: bool, sheet: &Path) -> Result<(), Failure> {
    if json {
        return report::json(&json!({ "event": "end", "as_expected": all, "contact_sheet": sheet }));
    }
    let word = if all { "all as expected" } else { "NOT all as expected" };
    report::line(&format!("{word}; pictures beside {}", sheet.display()))
}
