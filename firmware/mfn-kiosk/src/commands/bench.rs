//! `bench`: milliseconds and memory of each stage, beside the budgets of memory-budget.md.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use mfn_gallery::{Access, EnrolTemplate, Enrolment, FileGallery, Gallery, Metadata, Restriction};
use mfn_template::Template;
use mfn_vision::{Frame, PixelFormat, RgbImage, fit};
use serde::Serialize;

use crate::cli::BenchArgs;
use crate::commands::bench_model;
use crate::config::Config;
use crate::engines::{self, Chosen};
use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::{Pipeline, Stages};
use crate::progress::Working;
use crate::{budget, limits, photos, report};

/// Size of the frame that is processed, as in the memory budget.
const FRAME: (u32, u32) = (640, 480);
/// Seed of the made-up people.
const SEED: u64 = 7;

/// One stage.
#[derive(Serialize)]
struct Row {
    stage: &'static str,
    best_ms: f64,
    median_ms: f64,
    /// Of the machine that memory-budget.md names.
    budget_ms: Option<f64>,
}

pub fn execute(args: &BenchArgs) -> Result<Exit, Failure> {
    if let Some(model) = &args.model {
        return bench_model::execute(model, args);
    }
    let mut config = Config::load(&args.with.file)?;
    let chosen = engines::choose(&mut config, &args.with)?;
    let frame = frame_of(&args.photo)?;
    let folder = tempfile::tempdir().or_exit(Exit::Gallery)?;
    let before = limits::memory_kib();
    let start = Instant::now();
    let mut pipeline = chosen.pipeline(&config)?;
    let load = start.elapsed();
    let loaded = limits::memory_kib();
    let gallery = strangers(&chosen, folder.path(), args.people)?;
    let enrolled = limits::memory_kib();
    let runs = measure(&mut pipeline, &frame, &gallery, args.runs)?;
    let memory = [
        ("before the networks", before),
        ("networks loaded", loaded),
        ("gallery loaded", enrolled),
        ("after the runs", limits::memory_kib()),
        ("peak", limits::peak_memory_kib()),
    ];
    print(args, load, &rows(&runs), &memory)?;
    Ok(Exit::answer(within_budget(limits::peak_memory_kib())))
}

/// Memory is the same on every machine, so its budget decides; times are only set beside theirs.
fn within_budget(peak_kib: Option<u64>) -> bool {
    peak_kib.zip(budget::of("peak")).is_none_or(|(kib, budget)| megabytes(kib) <= budget)
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// The photograph fitted into a frame as a camera gives it (YUYV).
fn frame_of(photo: &Path) -> Result<Frame, Failure> {
    let mut picture = RgbImage::new(FRAME.0, FRAME.1);
    fit(&photos::load(photo)?, &mut picture);
    let data = picture.data().chunks_exact(6).flat_map(yuyv).collect();
    Ok(Frame {
        format: PixelFormat::Yuyv,
        width: FRAME.0,
        height: FRAME.1,
        stride: 2 * FRAME.0,
        data,
        ..Frame::empty()
    })
}

/// Two pixels as Y0 U Y1 V (BT.601, video range).
fn yuyv(two: &[u8]) -> [u8; 4] {
    let luma = |p: &[u8]| 16.0 + 0.257 * f32::from(p[0]) + 0.504 * f32::from(p[1]) + 0.098 * f32::from(p[2]);
    let mean = |c: usize| f32::midpoint(f32::from(two[c]), f32::from(two[c + 3]));
    let u = 128.0 - 0.148 * mean(0) - 0.291 * mean(1) + 0.439 * mean(2);
    let v = 128.0 + 0.439 * mean(0) - 0.368 * mean(1) - 0.071 * mean(2);
    [luma(&two[..3]), u, luma(&two[3..]), v].map(|value| value.round() as u8)
}

/// A gallery of people whose templates are random directions.
fn strangers(chosen: &Chosen, folder: &Path, people: u32) -> Result<FileGallery, Failure> {
    let _working = Working::on("making up people");
    let mut random = fastrand::Rng::with_seed(SEED);
    let dimension = chosen.recogniser.dimension().unwrap_or_default();
    let mut person = |number: u32| {
        let values: Vec<f32> = (0..dimension).map(|_| random.f32() - 0.5).collect();
        let template = Template::normalise(&values).or_exit(Exit::Failure)?;
        let templates = vec![EnrolTemplate { template, quality: 1.0, taken: SystemTime::UNIX_EPOCH }];
        let name = format!("person {number}").parse().or_exit(Exit::Failure)?;
        Ok(Enrolment { name, metadata: Metadata::default(), templates })
    };
    let people = (0..people).map(&mut person).collect::<Result<Vec<_>, Failure>>()?;
    let mut gallery = chosen.gallery_in(&folder.join("gallery"), Access::Write).or_exit(Exit::Gallery)?;
    gallery.enrol_all(&people).or_exit(Exit::Gallery)?;
    Ok(gallery)
}

fn measure(
    pipeline: &mut Pipeline,
    frame: &Frame,
    gallery: &FileGallery,
    runs: u32,
) -> Result<Vec<Stages<Duration>>, Failure> {
    let working = Working::through(runs as usize, "measuring");
    let mut all = Vec::new();
    for _ in 0..runs {
        pipeline.look(frame, gallery, &Restriction::default())?;
        if pipeline.faces().is_empty() {
            return Err(Failure::new(
                Exit::Photo,
                "the photograph shows no face: name another one with --photo",
            ));
        }
        all.push(*pipeline.times());
        working.step();
    }
    Ok(all)
}

fn rows(runs: &[Stages<Duration>]) -> Vec<Row> {
    let row = |stage, of: fn(&Stages<Duration>) -> Duration| {
        let mut times: Vec<Duration> = runs.iter().map(of).collect();
        times.sort();
        let ms = |d: Duration| (d.as_secs_f64() * 1e6).round() / 1e3;
        Row {
            stage,
            best_ms: ms(times[0]),
            median_ms: ms(times[times.len() / 2]),
            budget_ms: budget::of(stage),
        }
    };
    vec![
        row("convert", |t| t.convert),
        row("detect", |t| t.detect),
        row("align", |t| t.align),
        row("embed", |t| t.embed),
        row("search", |t| t.search),
        row("all", |t| t.convert + t.detect + t.align + t.embed + t.search),
    ]
}

fn print(
    args: &BenchArgs,
    load: Duration,
    rows: &[Row],
    memory: &[(&str, Option<u64>)],
) -> Result<(), Failure> {
    if args.json.json {
        let memory: serde_json::Map<_, _> =
            memory.iter().map(|(what, kib)| (what.replace(' ', "_"), (*kib).into())).collect();
        let load_ms = load.as_millis() as u64;
        return report::json(&serde_json::json!({
            "runs": args.runs, "people": args.people, "load_ms": load_ms, "stages": rows, "memory_kib": memory,
        }));
    }
    report::line(&format!("loading both networks: {} ms", load.as_millis()))?;
    report::line("stage       best ms   median ms   budget ms")?;
    for row in rows {
        let budget = row.budget_ms.map_or_else(String::new, |ms| ms.to_string());
        report::line(&format!("{:8} {:10.3} {:11.3} {budget:>11}", row.stage, row.best_ms, row.median_ms))?;
    }
    for (what, kib) in memory {
        let mb = kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{:.1} MB", megabytes(kib)));
        report::line(&format!("memory, {what}: {mb}"))?;
    }
    let budget = budget::of("peak").unwrap_or_default();
    report::line(&format!("memory, budget of the peak: {budget} MB (memory-budget.md)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_stays_grey() {
        assert_eq!(yuyv(&[0; 6]), [16, 128, 16, 128]);
        let [y0, u, y1, v] = yuyv(&[255; 6]);
        assert!(
            (234..=236).contains(&y0) && y0 == y1 && (127..=129).contains(&u) && (127..=129).contains(&v)
        );
    }
}
