//! What speaks against an enrolment: photographs of different people, look-alikes.

use mfn_admin::Reference;
use mfn_gallery::Gallery;
use mfn_template::PersonId;

/// Similarities that an enrolment is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Least similarity of two pictures of one person.
    pub same: f32,
    /// Least similarity of a look-alike.
    pub look_alike: f32,
}

/// Pairs of pictures that are not of one person.
pub fn agreement(references: &[Reference], limits: &Limits) -> Vec<String> {
    let mut objections = Vec::new();
    for (i, one) in references.iter().enumerate() {
        for other in &references[i + 1..] {
            let similarity = one.template.similarity(&other.template);
            if similarity < limits.same {
                objections.push(format!(
                    "{} and {} seem to show different persons (similarity {similarity:.2}, threshold {:.2})",
                    one.from, other.from, limits.same
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
    limits: &Limits,
) -> Vec<String> {
    let mut objections = Vec::new();
    for reference in references {
        let candidates = gallery.search(&reference.template, gallery.people().len()).0;
        let own = candidates.iter().find(|c| Some(c.person) == person);
        if let Some(own) = own.filter(|own| own.similarity < limits.same) {
            objections.push(format!(
                "{} is unlike {} (similarity {:.2})",
                reference.from, own.person, own.similarity
            ));
        }
        let is_like = |similarity| similarity >= limits.look_alike;
        let like = candidates.iter().find(|c| Some(c.person) != person && is_like(c.similarity));
        if let Some(like) = like {
            objections.push(format!(
                "{} is a look-alike of {}, who is known already (similarity {:.2}, limit {:.2}): the door may take one for the other",
                reference.from, like.person, like.similarity, limits.look_alike
            ));
        }
    }
    objections
}
