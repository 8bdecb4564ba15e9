//! What happens in the demo, and what must come of it.

/// The portrait that the person is enrolled with.
pub const ENROLLED: &str = "president-1.jpg";
/// The enrolled person's name.
pub const NAME: &str = "president";

/// Frames of one approach.
pub const FRAMES: usize = 12;

/// Whom the camera sees.
#[derive(Clone, Copy, Debug)]
pub enum Scene {
    /// One person walks up.
    Person(&'static str),
    /// Nobody.
    Empty,
    /// The first person walks up, and after so many frames the second one stands there.
    Swap(&'static str, usize, &'static str),
}

impl Scene {
    /// The portrait that frame `index` shows.
    pub fn portrait(self, index: usize) -> Option<&'static str> {
        match self {
            Scene::Person(portrait) => Some(portrait),
            Scene::Empty => None,
            Scene::Swap(first, frames, second) => Some(if index < frames { first } else { second }),
        }
    }
}

/// What must come of an approach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// The door opens.
    Grant,
    /// Somebody is turned away.
    Deny,
    /// Nothing is decided.
    Nothing,
}

/// One approach.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// For the contact sheet and the name of the picture.
    pub title: &'static str,
    /// What the camera sees.
    pub scene: Scene,
    /// What must come of it.
    pub expected: Expected,
}

/// The whole demo. A vote takes three frames, so the swap after two comes in the middle of it.
pub const STEPS: [Step; 6] = [
    Step { title: "same person", scene: Scene::Person("president-2.jpg"), expected: Expected::Grant },
    Step { title: "same person again", scene: Scene::Person("president-3.jpg"), expected: Expected::Grant },
    Step { title: "stranger", scene: Scene::Person("vice-president-1.jpg"), expected: Expected::Deny },
    Step { title: "another stranger", scene: Scene::Person("astronaut-1.jpg"), expected: Expected::Deny },
    Step { title: "nobody", scene: Scene::Empty, expected: Expected::Nothing },
    Step {
        title: "person changes during the vote",
        scene: Scene::Swap("president-2.jpg", 2, "vice-president-1.jpg"),
        expected: Expected::Deny,
    },
];
