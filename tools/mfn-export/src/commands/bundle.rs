//! `bundle` and `verify`: signing a model folder, and checking one.

use super::output;
use crate::bundle::{Verified, public_key, secret_key, sign, verify as check};
use crate::cli;
use anyhow::Result;

/// Runs `bundle`.
pub fn run(arguments: &cli::Bundle) -> Result<()> {
    let key = secret_key(&arguments.key, super::keygen::password)?;
    let comment = arguments.comment.clone().unwrap_or_else(|| "model folder".into());
    report(arguments.json, "signed", &arguments.model, &sign(&arguments.model, &key, &comment)?)
}

/// Runs `verify`.
pub fn verify(arguments: &cli::Verify) -> Result<()> {
    let key = arguments.key.as_deref().map(public_key).transpose()?;
    let verified = check(&arguments.model, key.as_ref())?;
    let what = if key.is_some() { "signature and hashes fit" } else { "hashes fit, signature not checked" };
    report(arguments.json, what, &arguments.model, &verified)
}

fn report(json: bool, what: &str, model: &std::path::Path, verified: &Verified) -> Result<()> {
    let Verified { files, comment, manifest_sha256 } = verified;
    if json {
        return output::json(&serde_json::json!({
            "model": model, "outcome": what, "files": files, "trusted_comment": comment,
            "manifest_sha256": manifest_sha256,
        }));
    }
    output::text(&format!("{}: {what}; {files} files, manifest {manifest_sha256}\n", model.display()))
}
