//! `keygen`: a key pair for signing models.

use crate::bundle::generate;
use crate::cli;
use anyhow::{Context, Result, ensure};
use std::io::BufRead;

/// Runs the command.
pub fn run(arguments: &cli::Keygen) -> Result<()> {
    let password = if arguments.no_password { None } else { Some(password()?) };
    let files = generate(&arguments.stem, password)?;
    println!("secret key {} (keep it off the doors and out of every repository)", files.secret.display());
    println!("public key {} (name it in the configuration of each door)", files.public.display());
    Ok(())
}

/// Reads the secret key's password from the terminal or, in scripts, from standard input.
pub fn password() -> Result<String> {
    eprintln!("Password of the secret key:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("no password could be read")?;
    let password = line.trim_end_matches(['\r', '\n']).to_string();
    ensure!(!password.is_empty(), "the password is empty; --no-password makes a key without one");
    Ok(password)
}
