//! Results of compiling.

use std::sync::Arc;
use std::time::Duration;

use runbay_model::Facts;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::Verdict;
use runbay_sandbox::Artefact;

/// A program that is ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) artefact: Artefact,
    /// Warnings and the like.
    pub(crate) output: Vec<u8>,
    /// Time on the wall clock.
    pub(crate) time: Duration,
}

/// Code that could not be compiled.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) verdict: Verdict,
    /// One plain sentence.
    pub(super) message: String,
    pub(super) output: Vec<u8>,
    pub(super) time: Duration,
}

/// The result of compiling.
#[derive(Debug, Clone)]
pub(crate) enum Compilation {
    /// The compiler ran for this request.
    Fresh(Arc<Compiled>),
    /// An earlier compilation was used again.
    Reused(Arc<Compiled>),
    Refused(Arc<Refusal>),
}

impl Refusal {
    pub(crate) fn outcome(&self) -> Outcome {
        let message = Some(self.message.clone());
        Outcome {
            facts: Facts { message, compile_time: Some(self.time), ..Facts::default() },
            output: Output { compile_output: Some(self.output.clone()), ..Output::default() },
        }
    }
}
