//! `self-test`: whether this device would work, without energising the lock.

use std::time::Instant;

use mfn_board::{Captured, DoorLine, open_camera, output_pin};
use mfn_gallery::{Access, Gallery};
use mfn_vision::Frame;
use serde_json::json;

use crate::cli::SelfTestArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use crate::{engines, report};

/// Dark or missing frames that are forgiven.
const TRIES: usize = 5;

/// What a test found, in words.
type Found = Result<String, Failure>;

pub fn execute(args: &SelfTestArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.with.file)?;
    let working = Working::on("testing");
    let tests: [(&str, &dyn Fn() -> Found); 4] = [
        ("models", &|| models(args, &config)),
        ("gallery", &|| gallery(args, &config)),
        ("camera", &|| camera(args, &config)),
        ("door", &|| door(&config)),
    ];
    let mut first_failure = None;
    for (name, test) in tests {
        working.say(name);
        let found = test();
        print(name, &found, args.json.json)?;
        if let Err(failure) = found {
            first_failure.get_or_insert(failure.exit);
        }
    }
    Ok(first_failure.unwrap_or(Exit::Ok))
}

fn print(name: &str, found: &Found, json: bool) -> Result<(), Failure> {
    let (ok, what) = match found {
        Ok(what) => (true, what.clone()),
        Err(failure) => (false, failure.error.to_string()),
    };
    if json {
        return report::json(&json!({ "test": name, "ok": ok, "what": what }));
    }
    report::line(&format!("{name:8} {}  {what}", if ok { "ok    " } else { "FAILED" }))
}

/// Golden vectors of both networks; the detector's are pictures of one size.
fn models(args: &SelfTestArgs, config: &Config) -> Found {
    let mut config = config.clone();
    (config.settings.detector.width, config.settings.detector.height) = engines::GOLDEN_SIZE;
    let chosen = engines::choose(&mut config, &args.with)?;
    let (mut detector, mut recogniser) = chosen.load(&config)?;
    let faces = recogniser.self_test(&chosen.recogniser).or_exit(Exit::Models)?;
    let seen = detector.self_test(&chosen.detector).or_exit(Exit::Models)?;
    Ok(format!(
        "{} golden crops with cosine {:.6} or more, {} golden faces within {:.3} pixels",
        faces.crops, faces.lowest_cosine, seen.faces, seen.largest_shift
    ))
}

fn gallery(args: &SelfTestArgs, config: &Config) -> Found {
    let mut config = config.clone();
    let chosen = engines::choose(&mut config, &args.with)?;
    let gallery = chosen.gallery(&config, &args.gallery, Access::Read)?;
    Ok(format!("{} people in {}", gallery.people().len(), gallery.path().display()))
}

/// A frame arrives.
fn camera(args: &SelfTestArgs, config: &Config) -> Found {
    let setup = config.camera(args.source.source.as_deref(), Instant::now())?;
    let mut camera = open_camera(&setup.source, &setup.options).or_exit(Exit::Camera)?;
    let mut frame = Frame::empty();
    for attempt in 1.. {
        match camera.capture(&mut frame) {
            Ok(Captured::Picture) => break,
            Ok(Captured::End) => return Err(Failure::new(Exit::Camera, "the source holds no picture")),
            Err(e) if e.is_passing() && attempt < TRIES => {}
            Err(e) => return Err(e).or_exit(Exit::Camera),
        }
    }
    Ok(format!("a frame of {}x{} from {}", frame.width, frame.height, camera.describe()))
}

/// The line is driven closed and read back; it is never energised.
fn door(config: &Config) -> Found {
    let setup = config.door()?;
    let pin = output_pin(&setup.line, setup.line_active.state(false)).or_exit(Exit::Door)?;
    let mut line = DoorLine::new(pin, setup.line_active).or_exit(Exit::Door)?;
    line.self_test().or_exit(Exit::Door)?;
    Ok(format!("{} is closed and reads closed", setup.line))
}
