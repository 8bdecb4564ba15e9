//! From TOML text and `--set` pairs to a checked recipe.

use super::Recipe;
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use toml::{Table, Value};

/// The environment variable that stands in for a missing `data.root`.
pub const ROOT_VARIABLE: &str = "MFN_DATA";

impl Recipe {
    /// Reads a recipe, applies `key=value` changes in order, and checks it.
    pub fn load(path: &Path, changes: &[String]) -> Result<Self> {
        load(path, changes, Self::parse)
    }

    /// The same from text.
    pub fn parse(text: &str, changes: &[String]) -> Result<Self> {
        let mut recipe: Recipe = changed(text, changes)?;
        default_root(&mut recipe.data.root);
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe as TOML, with every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a recipe is plain data")
    }
}

/// Whether the recipe of this file is one of a detector.
///
/// # Errors
/// When it cannot be read or is not TOML.
pub fn is_detector(path: &Path) -> Result<bool> {
    let parse = |text: &str, _: &[String]| {
        let table: Table = text.parse().map_err(|e: toml::de::Error| anyhow!("{}", one_line(&e)))?;
        Ok(table.get("network").and_then(Value::as_str) == Some(crate::detect::NAME))
    };
    load(path, &[], parse)
}

/// Reads the file and parses it with changes; an error names the file.
pub(super) fn load<R>(
    path: &Path,
    changes: &[String],
    parse: impl Fn(&str, &[String]) -> Result<R>,
) -> Result<R> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("recipe {}: cannot be read", path.display()))?;
    parse(&text, changes).map_err(|e| anyhow!("recipe {}: {e}", path.display()))
}

/// The text with `key=value` changes applied, not yet checked.
pub(super) fn changed<R: serde::de::DeserializeOwned>(text: &str, changes: &[String]) -> Result<R> {
    let mut table: Table = text.parse().map_err(|e: toml::de::Error| anyhow!("{}", one_line(&e)))?;
    for change in changes {
        apply(&mut table, change)?;
    }
    table.try_into().map_err(|e| anyhow!("{}", one_line(&e)))
}

/// Where no root is given, that of the environment.
pub(super) fn default_root(root: &mut String) {
    if root.is_empty() {
        *root = std::env::var(ROOT_VARIABLE).unwrap_or_default();
    }
}

/// Sets one dotted key; the value is read as TOML and else taken as text.
fn apply(table: &mut Table, change: &str) -> Result<()> {
    let Some((key, value)) = change.split_once('=') else {
        bail!("--set {change}: wants key=value, such as train.batch=32");
    };
    let parsed = format!("v = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
    let value = parsed.unwrap_or_else(|| Value::String(value.to_string()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut at = table;
    for part in parts {
        let next = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        at = next.as_table_mut().ok_or_else(|| anyhow!("--set {change}: `{part}` is not a table"))?;
    }
    at.insert(last.to_string(), value);
    Ok(())
}

/// One line of a TOML error, with the nearest known key where one was unknown.
fn one_line(error: &toml::de::Error) -> String {
    let message = error.message().lines().next().unwrap_or("not valid TOML").to_string();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next().filter(|_| message.starts_with("unknown ")) else {
        return message;
    };
    let nearest =
        quoted.max_by(|a, b| strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown)));
    let what = message
        .split_whitespace()
        .nth(1)
        .unwrap_or("key")
        .replace("field", "key")
        .replace("variant", "value");
    match nearest {
        Some(nearest) => format!("unknown {what} `{unknown}`; the nearest known one is `{nearest}`"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::DetectorRecipe;

    const SMALL: &str = r#"
        network = "mobilefacenet"
        [data]
        root = "faces"
        sources = [{ path = "a.tar", labelled = true }]
        [margin]
        kind = "arcface"
        [optimiser]
        kind = "sgd"
        learning_rate = 0.1
        [train]
        images = 1000
    "#;

    fn error(text: &str, changes: &[&str]) -> String {
        let changes: Vec<String> = changes.iter().map(|s| s.to_string()).collect();
        Recipe::parse(text, &changes).unwrap_err().to_string()
    }

    #[test]
    fn changes_are_applied_and_written_out() {
        let changes = ["train.batch=16".to_string(), "data.root=/faces".to_string(), "seed=9".to_string()];
        let recipe = Recipe::parse(SMALL, &changes).unwrap();
        assert_eq!((recipe.train.batch, recipe.data.root.as_str(), recipe.seed), (16, "/faces", 9));
        assert_eq!(Recipe::parse(&recipe.to_toml(), &[]).unwrap(), recipe);
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        assert_eq!(
            error(SMALL, &["train.bacth=16"]),
            "unknown key `bacth`; the nearest known one is `batch`"
        );
        assert_eq!(
            error(SMALL, &["margin.kind=arkface"]),
            "unknown value `arkface`; the nearest known one is `arcface`"
        );
    }

    #[test]
    fn impossible_values_are_one_clear_line() {
        for (change, names) in [
            ("train.batch=1", "train.batch"),
            ("network=resnet", "network"),
            ("optimiser.learning_rate=-1", "optimiser.learning_rate"),
            ("augment.flip=1.5", "augment.flip"),
            ("margin.centres=0", "margin.centres"),
            ("train.epochs=3", "train.images"),
            ("optimiser.average=1.0", "optimiser.average"),
            ("train.checkpoint_minutes=inf", "train.checkpoint_minutes"),
            ("margin.weight=nan", "margin.weight"),
            ("margin.scale=inf", "margin.scale"),
            ("distil.cosine=-1", "distil.cosine"),
            ("augment.rotate=nan", "augment.rotate"),
            ("augment.shift=inf", "augment.shift"),
            ("data.held_out.pairs=0", "data.held_out.pairs"),
            ("data.held_out.pairs=99999999999999", "data.held_out.pairs"),
            ("data.held_out.most_images=1", "data.held_out.most_images"),
        ] {
            let message = error(SMALL, &[change]);
            assert!(message.contains(names) && !message.contains('\n'), "{change}: {message}");
        }
        let endless = SMALL.replace("images = 1000", "epochs = inf");
        assert!(error(&endless, &[]).contains("train.epochs"));
        let twice = r#"teacher={onnx="t",hint=[{tensor="a",stage="body1"},{tensor="b",stage="body1"}]}"#;
        assert!(error(SMALL, &[twice]).contains("two for body1"));
        assert!(error(SMALL, &["nonsense"]).contains("key=value"));
    }

    #[test]
    fn every_recipe_of_the_repository_is_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let recipes: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        for recipe in &recipes {
            let root = ["data.root=faces".to_string()];
            if is_detector(recipe).unwrap() {
                DetectorRecipe::load(recipe, &root).unwrap();
            } else {
                Recipe::load(recipe, &root).unwrap();
            }
        }
        assert!(recipes.len() >= 12, "{recipes:?}");
    }
}
