//! One attempt at running an execution.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Claim;
use runbay_engine::Engine;
use runbay_engine::Recorded;
use runbay_engine::Unavailable;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::Verdict;
use runbay_runner::RunFault;
use runbay_runner::Runner;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::warn;

/// The first wait before a report is made again to a database that did not answer; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What clients read when the service itself could not run their program.
const INTERNAL_ERROR: &str = "The service could not run the program, as often as it was tried.";

/// A claim and what is needed to make good on it.
pub(crate) struct Attempt {
    pub(crate) engine: Engine,
    pub(crate) runner: Arc<Runner>,
    pub(crate) hand_back: CancellationToken,
    pub(crate) claim: Claim,
}

/// How the attempt went.
enum Ending {
    Judged(Verdict, Outcome),
    Failed(RunFault),
    /// Nobody wants the result; the row says so already.
    Cancelled,
    /// The worker stops before the program ends.
    HandedBack,
}

impl Attempt {
    /// Runs the program and reports what came of it.
    pub(crate) async fn carry_out(self) {
        // Dropping the run kills the program.
        let ending = tokio::select! {
            run = self.runner.run(&self.claim.input) => match run {
                Ok((verdict, outcome)) => Ending::Judged(verdict, outcome),
                Err(fault) => Ending::Failed(fault),
            },
            () = self.claim.cancelled.cancelled() => Ending::Cancelled,
            () = self.hand_back.cancelled() => Ending::HandedBack,
        };
        if let Ending::Failed(fault) = &ending {
            error!(execution.id = %self.claim.execution, error = chain(fault), "the program could not be run");
        }
        self.report(&ending).await;
    }

    /// Reports until the database has it: what was run must not be lost because the database was away for a while.
    ///
    /// It gives up when the worker is told to hand back; the next start of the server then finds the row.
    async fn report(&self, ending: &Ending) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_report(ending).await {
                Ok(Recorded::Accepted) => return,
                Ok(Recorded::Stale) => {
                    warn!(execution.id = %self.claim.execution, "a result came too late and was dropped");
                    return;
                }
                Err(unavailable) => {
                    warn!(execution.id = %self.claim.execution, error = chain(&unavailable), "a result could not be written; trying again");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                () = self.hand_back.cancelled() => return,
            }
        }
    }

    async fn try_report(&self, ending: &Ending) -> Result<Recorded, Unavailable> {
        match ending {
            Ending::Judged(verdict, outcome) => self.engine.finish(&self.claim, *verdict, outcome.clone()).await,
            Ending::Failed(_) => self.engine.lose(&self.claim, Loss::InternalError, INTERNAL_ERROR).await,
            Ending::Cancelled => Ok(Recorded::Accepted),
            Ending::HandedBack => self.engine.hand_back(&self.claim).await,
        }
    }
}

/// Returns an error with all its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
