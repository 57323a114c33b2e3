//! Lanes: each has an order and slots of its own.

use std::fmt;

use runbay_model::LanguageId;

/// Entries that the same slots of the same workers can run: of one language, with or without a person who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(String);

impl Lane {
    /// Returns the lane of runs that nobody takes part in.
    #[must_use]
    pub fn batch(language: &LanguageId) -> Self {
        Self(language.as_str().to_owned())
    }

    /// Returns the lane of runs with a person who waits at the screen.
    #[must_use]
    pub fn interactive(language: &LanguageId) -> Self {
        // No id of a language has a colon.
        Self(format!("{language}:interactive"))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
