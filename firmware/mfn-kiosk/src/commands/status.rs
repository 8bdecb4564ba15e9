//! `status`: how the running kiosk is.

use mfn_admin::{Reply, Request};

use crate::cli::WholeArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::{office, report};

pub fn execute(args: &WholeArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.gallery.with.file)?;
    let dir = config.gallery(&args.gallery.gallery);
    let status = match office::ask(&config, &dir, &Request::Status, &mut |_| {})? {
        Some(Reply::Status(status)) => status,
        Some(_) => return Err(Failure::new(Exit::Kiosk, "the running kiosk gave another answer")),
        None => {
            eprintln!("mfn-kiosk: no kiosk runs on {}", dir.display());
            return Ok(Exit::No);
        }
    };
    if args.json.json {
        report::json(&status)?;
        return Ok(Exit::Ok);
    }
    let recogniser = if status.recogniser.is_empty() { "(loading)" } else { &status.recogniser };
    report::line(&format!(
        "mfn-kiosk {} runs as process {} for {} s: {} people, recogniser {recogniser}, threshold {:.3}, {} frames seen, {} dropped",
        status.version,
        status.pid,
        status.uptime_s,
        status.people,
        status.threshold,
        status.frames_seen,
        status.frames_dropped
    ))?;
    Ok(Exit::Ok)
}
