//! Priorities of executions.

use std::fmt;
use std::str::FromStr;

use crate::UnknownWord;

/// How urgent an execution is compared with others in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Somebody waits at the screen.
    High,
    /// The default.
    #[default]
    Normal,
    /// The execution can wait, such as the grading of a whole class.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: &[Self] = &[Self::High, Self::Normal, Self::Low];

    /// Returns the weight of the priority: its share of turns relative to the others.
    #[must_use]
    pub const fn weight(self) -> u8 {
        match self {
            Self::High => 4,
            Self::Normal => 2,
            Self::Low => 1,
        }
    }

    /// Returns the word used in requests, answers and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.iter().find(|priority| priority.as_str() == text);
        found.copied().ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for priority in Priority::ALL {
            assert_eq!(priority.as_str().parse(), Ok(*priority));
        }
        assert!("High".parse::<Priority>().is_err());
    }

    #[test]
    fn the_more_urgent_weighs_more() {
        assert!(Priority::ALL.is_sorted_by(|one, other| one.weight() > other.weight()));
    }
}
