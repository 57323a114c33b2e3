//! What comes of running a program.

use runbay_model::Outcome;
use runbay_model::Verdict;

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It ran to its end, or to one of its limits.
    Judged(Verdict, Outcome),
    /// It was told to stop. The outcome is what is known of it until then.
    Stopped(Outcome),
}

impl Ran {
    pub(crate) const fn outcome_mut(&mut self) -> &mut Outcome {
        match self {
            Self::Judged(_, outcome) | Self::Stopped(outcome) => outcome,
        }
    }
}
