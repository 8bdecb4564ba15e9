//! Carries a request out on a gallery that is open for writing: the same in a running kiosk and in a
//! command that works alone.

use std::time::SystemTime;

use mfn_admin::{Picture, Reference, Reply, Request, Who, Whom};
use mfn_gallery::{EnrolTemplate, Enrolment, FileGallery, Gallery, Person, PersonName};
use mfn_template::{PersonId, TemplateSpace};

use crate::enrolment::checks::{self, Limits};
use crate::exit::{Exit, Failure, OrExit};

/// Changes the gallery as the request says.
///
/// # Errors
/// Nobody or the wrong one is meant, the references are objected to, or the change cannot be saved.
pub fn apply(request: &Request, gallery: &mut FileGallery, limits: &Limits) -> Result<Reply, Failure> {
    match request {
        Request::Enrol { who, space, references } => {
            check_space(gallery, space, references)?;
            enrol(who, references, gallery, limits)
        }
        Request::Rename { whom, name } => {
            let (id, was) = found(gallery, whom)?;
            gallery.rename(id, name).or_exit(Exit::Gallery)?;
            Ok(changed(gallery, id, &was))
        }
        Request::Remove { whom } => {
            let (id, was) = found(gallery, whom)?;
            gallery.remove(id).or_exit(Exit::Gallery)?;
            Ok(changed(gallery, id, &was))
        }
        Request::Edit { whom, changes } => {
            let person = person_named(gallery, whom)?;
            let (id, was, mut metadata) = (person.id, person.name.clone(), person.metadata.clone());
            changes.iter().for_each(|change| change.apply(&mut metadata));
            gallery.set_metadata(id, &metadata).or_exit(Exit::Gallery)?;
            Ok(changed(gallery, id, &was))
        }
        Request::Status | Request::List | Request::EnrolHere { .. } => {
            Err(Failure::new(Exit::Kiosk, "this takes a running kiosk: start `mfn-kiosk run`"))
        }
    }
}

/// The person whom a command line names: by name, or by number as `#3`.
///
/// # Errors
/// Nobody.
pub fn person_named<'a>(gallery: &'a dyn Gallery, whom: &Whom) -> Result<&'a Person, Failure> {
    let by_number = || gallery.person(whom.number()?);
    gallery.find(&whom.0).or_else(by_number).ok_or_else(|| {
        let shown: String = whom.0.chars().filter(|c| !c.is_control()).take(80).collect();
        let what = format!("nobody named {shown:?} is enrolled; `mfn-kiosk list` shows who is");
        Failure::new(Exit::Gallery, what)
    })
}

fn found(gallery: &FileGallery, whom: &Whom) -> Result<(PersonId, PersonName), Failure> {
    person_named(gallery, whom).map(|person| (person.id, person.name.clone()))
}

fn changed(gallery: &FileGallery, id: PersonId, was: &PersonName) -> Reply {
    Reply::Changed { id: id.0, name: was.to_string(), people: gallery.people().len() }
}

/// The client's recogniser must be the gallery's.
fn check_space(
    gallery: &FileGallery,
    space: &TemplateSpace,
    references: &[Reference],
) -> Result<(), Failure> {
    let dimension = references.first().map_or(0, |r| r.template.values().len());
    if (gallery.space(), gallery.dimension()) == (space, dimension) {
        return Ok(());
    }
    let what = format!(
        "the templates are of {space} ({dimension} values), the kiosk's are of {} ({} values): name the kiosk's models with --models",
        gallery.space(),
        gallery.dimension()
    );
    Err(Failure::new(Exit::Models, what))
}

fn enrol(
    who: &Who,
    references: &[Reference],
    gallery: &mut FileGallery,
    limits: &Limits,
) -> Result<Reply, Failure> {
    let person = known_person(gallery, &who.name, who.add)?;
    let mut objections = checks::agreement(references, limits);
    objections.extend(checks::others(references, gallery, person, limits));
    if !objections.is_empty() && !who.force {
        let what = format!("nothing was enrolled: {} (--force overrides this)", objections.join("; "));
        return Err(Failure::new(Exit::Photo, what));
    }
    let id = save(who, person, references, gallery)?;
    let picture = |r: &Reference| Picture { from: r.from.clone(), quality: r.quality };
    Ok(Reply::Enrolled { id: id.0, pictures: references.iter().map(picture).collect(), warnings: objections })
}

/// The person of that name, who must be there with `--add` and must not be there without.
fn known_person(gallery: &FileGallery, name: &PersonName, add: bool) -> Result<Option<PersonId>, Failure> {
    let person = gallery.find(name.as_str()).map(|person| person.id);
    let what = match (person, add) {
        (Some(id), false) => format!(
            "{name} is enrolled already ({id}): --add adds pictures of the same person, another person needs another name"
        ),
        (None, true) => format!("nobody named {name} is enrolled: leave --add out"),
        _ => return Ok(person),
    };
    Err(Failure::new(Exit::Gallery, what))
}

fn save(
    who: &Who,
    person: Option<PersonId>,
    references: &[Reference],
    gallery: &mut FileGallery,
) -> Result<PersonId, Failure> {
    let taken = SystemTime::now();
    let template = |r: &Reference| EnrolTemplate { template: r.template.clone(), quality: r.quality, taken };
    let templates: Vec<_> = references.iter().map(template).collect();
    let Some(id) = person else {
        let enrolment = Enrolment { name: who.name.clone(), metadata: who.metadata(), templates };
        return Ok(gallery.enrol_all(&[enrolment]).or_exit(Exit::Gallery)?[0]);
    };
    gallery.add_templates(id, &templates).or_exit(Exit::Gallery)?;
    if !who.changes.is_empty() {
        let mut metadata = gallery.person(id).map(|p| p.metadata.clone()).unwrap_or_default();
        who.changes.iter().for_each(|change| change.apply(&mut metadata));
        gallery.set_metadata(id, &metadata).or_exit(Exit::Gallery)?;
    }
    Ok(id)
}
