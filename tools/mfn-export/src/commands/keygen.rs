//! `keygen`: a key pair for signing models.

use super::output;
use crate::bundle::{Password, generate};
use crate::cli;
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, IsTerminal};

/// Runs the command.
pub fn run(arguments: &cli::Keygen) -> Result<()> {
    let password = if arguments.no_password { Password::None } else { password()? };
    let files = generate(&arguments.stem, password)?;
    if arguments.json {
        return output::json(&files);
    }
    output::text(&format!(
        "secret key {} (keep it off the doors and out of every repository)\n\
         public key {} (name it in the configuration of each door)\n",
        files.secret.display(),
        files.public.display()
    ))
}

/// The secret key's password: asked for on a terminal; in scripts the first line of standard input.
pub fn password() -> Result<Password> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(Password::Ask);
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("no password could be read")?;
    let password = line.trim_end_matches(['\r', '\n']).to_string();
    ensure!(!password.is_empty(), "the password is empty; --no-password makes a key without one");
    Ok(Password::Given(password))
}
