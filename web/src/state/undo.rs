//! What one click took away, and the way back. Only that comes back: what was written since stays, but for a list of steps, which
//! comes back whole.

use std::rc::Rc;

use stepgate_engine::scenario::Step;

use super::document::{Document, Removed};

/// What is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Lost {
    /// A file, with its place and its steps.
    File(Removed),
    /// Texts that others took the place of, by the `id` of their file.
    Texts(Vec<(u32, Rc<str>)>),
    /// The list of steps.
    Steps(Vec<Step>),
}

/// Brings it back.
pub fn bring_back(document: &mut Document, lost: &Lost) {
    match lost {
        Lost::File(removed) => document.put_back(removed),
        Lost::Texts(texts) => {
            for (id, text) in texts {
                document.replace(*id, text.clone());
            }
        }
        Lost::Steps(steps) => document.rest.steps.clone_from(steps),
    }
}
