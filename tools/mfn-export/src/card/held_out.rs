//! The people whom a recipe keeps out of training: their crops, and all comparisons among them.

use crate::data::{Dataset, picture};
use crate::evaluate::Tally;
use crate::faces::Crop;
use crate::recipe::Recipe;
use anyhow::{Result, ensure};
use mfn_template::Template;
use mfn_vision::AlignedFace;
use std::collections::BTreeMap;

/// Crops of people whom training never saw.
pub struct HeldOut {
    /// The crops, each with its person's number.
    pub crops: Vec<Crop>,
    /// The source of each crop's person: what stands before the first `-` of the name.
    sources: Vec<String>,
    /// How many people.
    pub people: u64,
}

/// All comparisons among them.
pub struct Comparisons {
    /// All.
    pub all: Tally,
    /// Those of two faces of one source, by source.
    pub sources: BTreeMap<String, Tally>,
    /// The similarities of different people.
    pub non_mated: Vec<f32>,
}

impl HeldOut {
    /// Reads those of a recipe.
    ///
    /// # Errors
    /// When the data cannot be read, or the recipe keeps fewer than two people out.
    pub fn read(recipe: &Recipe) -> Result<Self> {
        let dataset = Dataset::open(&recipe.data)?;
        let mut held_out = Self { crops: Vec::new(), sources: Vec::new(), people: 0 };
        for face in &dataset.held_out {
            let Some(person) = face.identity else { continue };
            let mut bytes = Vec::new();
            dataset.read(face, &mut bytes)?;
            let Ok(picture) = picture(&bytes) else { continue };
            let Some(crop) = AlignedFace::from_rgb(&picture) else { continue };
            let name = face.member.folder().unwrap_or_default();
            held_out.sources.push(name.split('-').next().unwrap_or(name).to_string());
            held_out.crops.push(Crop { face: crop, person: Some(person as usize) });
            held_out.people = held_out.people.max(u64::from(person) + 1);
        }
        ensure!(
            held_out.people >= 2,
            "data.held_out keeps fewer than two people out: there is nothing to measure on"
        );
        Ok(held_out)
    }

    /// Compares everybody's templates, in the order of the crops.
    pub fn compare(&self, templates: &[Template]) -> Comparisons {
        let mut found =
            Comparisons { all: Tally::default(), sources: BTreeMap::new(), non_mated: Vec::new() };
        for (i, a) in templates.iter().enumerate() {
            for (j, b) in templates.iter().enumerate().skip(i + 1) {
                let (score, mated) = (a.similarity(b), self.crops[i].person == self.crops[j].person);
                found.all.add(score, mated);
                if self.sources[i] == self.sources[j] {
                    found.sources.entry(self.sources[i].clone()).or_default().add(score, mated);
                }
                if !mated {
                    found.non_mated.push(score);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_by_source_worked_out_by_hand() {
        let crop = |person| Crop { face: AlignedFace::new(), person: Some(person) };
        let held_out = HeldOut {
            crops: vec![crop(0), crop(0), crop(1), crop(2)],
            sources: ["a", "a", "a", "b"].map(String::from).to_vec(),
            people: 3,
        };
        let template = |angle: f32| Template::normalise(&[angle.cos(), angle.sin()]).unwrap();
        let found = held_out.compare(&[0.0, 0.1, 1.0, 2.0].map(template));
        assert_eq!(found.all.trials(), (1, 5));
        // Within a: one mated pair, and each of its faces against the other person. b has one face only.
        assert_eq!(found.sources.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(found.sources["a"].trials(), (1, 2));
        assert_eq!(found.non_mated.len(), 5);
        assert!((found.non_mated[0] - 1.0_f32.cos()).abs() < 1e-5);
    }
}
