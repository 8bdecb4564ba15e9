//! `config`: every setting as a configuration file.

use crate::cli::ConfigArgs;
use crate::config::{Config, render};
use crate::exit::{Exit, Failure};
use crate::report;

pub fn execute(args: &ConfigArgs) -> Result<Exit, Failure> {
    let config = Config::load(&args.file)?;
    report::line(render(&config.settings).trim_end())?;
    Ok(Exit::Ok)
}
