//! The smallest history that ends with the same complaint: parts of the script are left out as long as some course of the rest still does.

use super::world::{History, Sabotage, World};

/// Courses tried before a part counts as needed.
const COURSES: u64 = 200;
/// Steps of all courses together: what is left out by then is left out.
const MOST_STEPS: u64 = 20_000_000;

/// The complaint without its numbers.
fn complaint(error: &str) -> String {
    error.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Looks for the same complaint in other courses.
struct Search {
    sabotage: Sabotage,
    sought: String,
    steps: u64,
}

impl Search {
    /// The complaint of a history, and after how many steps it comes.
    fn run(&mut self, history: &History) -> (Option<(String, u64)>, u32) {
        let mut world = World::new(history.clone(), self.sabotage, false);
        let error = world.run().err();
        self.steps += world.steps;
        (error.map(|error| (complaint(&error), world.steps)), world.parts)
    }

    /// The shortest of the first courses that end with it.
    fn course(&mut self, mut history: History, first: bool) -> Option<(History, u64)> {
        let mut found: Option<(History, u64)> = None;
        for course in 0..COURSES {
            if self.steps > MOST_STEPS {
                break;
            }
            history.course = course;
            let Some((error, steps)) = self.run(&history).0 else {
                continue;
            };
            if error == self.sought && found.as_ref().is_none_or(|(_, fewer)| steps < *fewer) {
                found = Some((history.clone(), steps));
                if first {
                    break;
                }
            }
        }
        found
    }
}

/// Leaves out what it can.
pub fn shrunk(failing: &History, sabotage: Sabotage) -> History {
    let mut search = Search {
        sabotage,
        sought: String::new(),
        steps: 0,
    };
    let (Some((sought, _)), parts) = search.run(failing) else {
        return failing.clone();
    };
    search.sought = sought;
    let mut smallest = failing.clone();
    loop {
        let before = smallest.without.len();
        for part in 1..=parts {
            let mut tried = smallest.clone();
            if tried.without.insert(part)
                && let Some((smaller, _)) = search.course(tried, true)
            {
                smallest = smaller;
            }
        }
        if smallest.without.len() == before {
            break;
        }
    }
    search.steps = 0;
    search
        .course(smallest.clone(), false)
        .map_or(smallest, |(shortest, _)| shortest)
}
