//! Errors in recipes, with their places.

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The folder of recipes cannot be read.
    #[error("failed to read the folder of recipes {}", .0.display())]
    ReadFolder(PathBuf, #[source] std::io::Error),
    /// A recipe or support file cannot be read.
    #[error("failed to read {}", .0.display())]
    ReadFile(PathBuf, #[source] std::io::Error),
    /// The file is not TOML, or something in it is missing, unknown or impossible.
    #[error("{file}:{line}: {problem}")]
    Invalid {
        /// The file with the fault.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The fault.
        problem: String,
    },
    /// Two languages share a name.
    #[error("{first} and {second} both use the name {name:?}; every id and alias has to be different")]
    NameTaken {
        /// The file of one language.
        first: String,
        /// The file of the other.
        second: String,
        /// The id or alias.
        name: String,
    },
    /// Two languages have different support files of one name.
    #[error("{first} and {second} name support files that differ but are both called {name:?}; rename one")]
    SupportFileTaken {
        /// The file of one language.
        first: String,
        /// The file of the other.
        second: String,
        /// The name of the support file.
        name: String,
    },
}

/// The text of a recipe, from which places become line numbers.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Origin<'_> {
    /// Returns the error for `place`.
    pub(super) fn refuse<T>(&self, place: &Spanned<T>, problem: impl Into<String>) -> RecipeError {
        self.refuse_at(place.span(), problem)
    }

    /// Returns the error for a text that does not have the format of a recipe.
    pub(super) fn malformed(&self, error: &toml::de::Error) -> RecipeError {
        self.refuse_at(error.span().unwrap_or(0..0), error.message().replace('\n', " "))
    }

    fn refuse_at(&self, place: Range<usize>, problem: impl Into<String>) -> RecipeError {
        let before = self.text.as_bytes().get(..place.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        RecipeError::Invalid { file: self.file.to_owned(), line, problem: problem.into() }
    }
}
