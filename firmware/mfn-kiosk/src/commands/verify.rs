//! `verify`: whether two photographs show the same person.

use serde_json::json;

use crate::cli::VerifyArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::{engines, photos, report};

pub fn execute(args: &VerifyArgs) -> Result<Exit, Failure> {
    let mut config = Config::load(&args.with.file)?;
    let mut pipeline = engines::choose(&mut config, &args.with)?.pipeline(&config)?;
    let first = photos::one_face(&mut pipeline, &args.first)?;
    let second = photos::one_face(&mut pipeline, &args.second)?;
    let (similarity, threshold) = (first.template.similarity(&second.template), config.threshold(1));
    let same = similarity >= threshold;
    let word = if same { "same" } else { "different" };
    if args.json.json {
        report::json(&json!({
            "similarity": report::rounded(similarity),
            "threshold": report::rounded(threshold),
            "decision": word,
        }))?;
    } else {
        let sentence = if same { "the same person" } else { "different persons" };
        report::line(&format!("{sentence}: similarity {similarity:.3}, threshold {threshold:.2}"))?;
    }
    Ok(Exit::answer(same))
}
