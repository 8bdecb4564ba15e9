//! Photographs of people who are not enrolled: in a folder, each a person; in its subfolders, all of one
//! subfolder one person.

use std::path::{Path, PathBuf};

use super::measure::Subject;
use crate::exit::{Exit, Failure};
use crate::photos;
use crate::pipeline::Pipeline;
use crate::progress::Working;

/// The strangers, and how many photographs were of no use.
#[derive(Default)]
pub struct Strangers {
    /// One a person.
    pub subjects: Vec<Subject>,
    /// Photographs that were used.
    pub photographs: usize,
    /// Photographs that cannot be read, or do not show exactly one face.
    pub skipped: usize,
}

impl Strangers {
    /// Reads a folder.
    ///
    /// # Errors
    /// It cannot be read, or holds no photograph.
    pub fn read(folder: &Path, pipeline: &mut Pipeline) -> Result<Strangers, Failure> {
        let people = people(folder)?;
        if people.is_empty() {
            let what = format!("{} holds no .jpg, .jpeg, .png or .webp", folder.display());
            return Err(Failure::new(Exit::Photo, what));
        }
        let working = Working::through(people.len(), "reading strangers");
        let mut strangers = Strangers::default();
        for photographs in people {
            strangers.add(&photographs, pipeline);
            working.step();
        }
        Ok(strangers)
    }

    fn add(&mut self, photographs: &[PathBuf], pipeline: &mut Pipeline) {
        let mut templates = Vec::new();
        for path in photographs {
            match photos::one_face(pipeline, path) {
                Ok(face) => templates.push(face.template),
                Err(failure) => {
                    log::info!("left out: {}", failure.error);
                    self.skipped += 1;
                }
            }
        }
        self.photographs += templates.len();
        if !templates.is_empty() {
            self.subjects.push(Subject { templates });
        }
    }
}

/// The photographs of each person, in the order of their names.
fn people(folder: &Path) -> Result<Vec<Vec<PathBuf>>, Failure> {
    let mut people = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            people.push(entries(&path)?.into_iter().filter(|path| is_photograph(path)).collect());
        } else if is_photograph(&path) {
            people.push(vec![path]);
        }
    }
    people.retain(|photographs: &Vec<PathBuf>| !photographs.is_empty());
    Ok(people)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e| Failure::new(Exit::Photo, format!("folder {}: {e}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn is_photograph(path: &Path) -> bool {
    let known =
        |e: &std::ffi::OsStr| ["jpg", "jpeg", "png", "webp"].iter().any(|k| e.eq_ignore_ascii_case(k));
    path.extension().is_some_and(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_people_and_so_are_subfolders() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        std::fs::create_dir_all(dir.join("b-person")).unwrap();
        std::fs::create_dir_all(dir.join("empty")).unwrap();
        for name in ["a.jpg", "c.PNG", "notes.txt", "b-person/1.jpg", "b-person/2.jpeg"] {
            std::fs::write(dir.join(name), "").unwrap();
        }
        let counts: Vec<usize> = people(dir).unwrap().iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 2, 1]);
        assert!(people(&dir.join("absent")).is_err());
    }
}
