//! What speaks against an enrolment: quality, photographs of different people, look-alikes.

use mfn_engine::QualityLimits;
use mfn_gallery::Gallery;
use mfn_template::PersonId;

use super::references::Reference;
use crate::config::Config;

/// Pictures under a limit, with which one.
pub fn quality(references: &[Reference], limits: &QualityLimits) -> Vec<String> {
    let issue = |r: &Reference| Some(format!("{}: {}", r.from, limits.check(&r.face.quality).err()?));
    references.iter().filter_map(issue).collect()
}

/// Pairs of pictures that are not of one person.
pub fn agreement(references: &[Reference], threshold: f32) -> Vec<String> {
    let mut objections = Vec::new();
    for (i, one) in references.iter().enumerate() {
        for other in &references[i + 1..] {
            let similarity = one.face.template.similarity(&other.face.template);
            if similarity < threshold {
                objections.push(format!(
                    "{} and {} seem to show different persons (similarity {similarity:.2}, threshold {threshold:.2})",
                    one.from, other.from
                ));
            }
        }
    }
    objections
}

/// Pictures that look like somebody else who is known, or, when added to a person, unlike that person.
pub fn others(
    references: &[Reference],
    gallery: &dyn Gallery,
    person: Option<PersonId>,
    config: &Config,
) -> Vec<String> {
    let (limit, threshold) = (config.look_alike(), config.threshold());
    let mut objections = Vec::new();
    for reference in references {
        let candidates = gallery.search(&reference.face.template, gallery.people().len()).0;
        let own = candidates.iter().find(|c| Some(c.person) == person);
        if let Some(own) = own.filter(|own| own.similarity < threshold) {
            objections.push(format!(
                "{} is unlike {} (similarity {:.2})",
                reference.from, own.person, own.similarity
            ));
        }
        let like = candidates.iter().find(|c| Some(c.person) != person && c.similarity >= limit);
        if let Some(like) = like {
            objections.push(format!(
                "{} is a look-alike of {}, who is known already (similarity {:.2}, limit {limit:.2}): the door may take one for the other",
                reference.from, like.person, like.similarity
            ));
        }
    }
    objections
}
