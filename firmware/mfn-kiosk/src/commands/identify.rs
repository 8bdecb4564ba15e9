//! `identify`: who is on photographs.

use std::path::Path;

use mfn_gallery::{Access, Gallery, Restriction};
use mfn_template::Candidates;
use serde_json::json;

use crate::cli::IdentifyArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::photos::{self, KnownFace};
use crate::progress::Working;
use crate::{clock, engines, report};

pub fn execute(args: &IdentifyArgs) -> Result<Exit, Failure> {
    let mut config = Config::load(&args.with.file)?;
    let chosen = engines::choose(&mut config, &args.with)?;
    let gallery = chosen.gallery(&config, &args.gallery, Access::Read)?;
    let threshold = config.threshold(gallery.people().len());
    let mut pipeline = chosen.pipeline(&config)?;
    let working = Working::through(args.photos.len(), "identifying");
    let margin = config.settings.decision.margin as f32;
    let mut all_known = true;
    for photo in &args.photos {
        let faces = photos::faces(&mut pipeline, photo)?;
        let answers: Vec<Answer> = faces
            .iter()
            .map(|face| Answer::to(face, &gallery, args.candidates as usize, threshold, margin))
            .collect();
        all_known &= !answers.is_empty() && answers.iter().all(|answer| answer.known);
        working.step();
        if args.json.json {
            let faces: Vec<_> = answers.iter().map(|answer| answer.json(&gallery)).collect();
            report::json(
                &json!({ "photo": photo, "threshold": report::rounded(threshold), "faces": faces }),
            )?;
        } else {
            print(photo, &answers, &gallery, threshold)?;
        }
    }
    Ok(Exit::answer(all_known))
}

/// What the gallery says of one face.
struct Answer<'a> {
    face: &'a KnownFace,
    candidates: Candidates,
    known: bool,
}

impl<'a> Answer<'a> {
    /// Known: over the threshold, with the margin to the next person, as at the door.
    fn to(
        face: &'a KnownFace,
        gallery: &dyn Gallery,
        count: usize,
        threshold: f32,
        margin: f32,
    ) -> Answer<'a> {
        let among = Restriction { valid_at: Some(clock::validity_time()), ..Restriction::default() };
        let mut candidates = gallery.search_among(&face.template, count.max(2), &among);
        let known = candidates.best().is_some_and(|best| best.similarity >= threshold)
            && candidates.margin().is_some_and(|lead| lead >= margin);
        candidates.0.truncate(count);
        Answer { face, candidates, known }
    }

    fn word(&self) -> &'static str {
        if self.known { "known" } else { "unknown" }
    }

    fn json(&self, gallery: &dyn Gallery) -> serde_json::Value {
        let area = &self.face.detection.face;
        let candidates = self.candidates.0.iter().map(|c| {
            json!({
                "id": c.person.0,
                "name": report::name_of(gallery, c.person),
                "similarity": report::rounded(c.similarity),
            })
        });
        json!({
            "box": [area.x, area.y, area.w, area.h],
            "quality": report::rounded(self.face.quality.score()),
            "decision": self.word(),
            "candidates": candidates.collect::<Vec<_>>(),
        })
    }
}

fn print(photo: &Path, answers: &[Answer<'_>], gallery: &dyn Gallery, threshold: f32) -> Result<(), Failure> {
    if answers.is_empty() {
        return report::line(&format!("{}: no face", photo.display()));
    }
    for (i, answer) in answers.iter().enumerate() {
        let candidates: Vec<_> = answer
            .candidates
            .0
            .iter()
            .map(|c| format!("{} {:.3}", report::name_of(gallery, c.person), c.similarity))
            .collect();
        let list =
            if candidates.is_empty() { "nobody is enrolled".to_owned() } else { candidates.join(", ") };
        report::line(&format!(
            "{}, face {}: {}; {list} (threshold {threshold:.2})",
            photo.display(),
            i + 1,
            answer.word()
        ))?;
    }
    Ok(())
}
