//! One attempt at running an execution.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Claim;
use runbay_engine::Engine;
use runbay_engine::Outage;
use runbay_engine::Outlook;
use runbay_engine::Recorded;
use runbay_engine::Unavailable;
use runbay_engine::with_causes;
use runbay_model::Fault;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::Reason;
use runbay_model::TestResult;
use runbay_model::Verdict;
use runbay_runner::RunFault;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

/// The first wait before a report is made again to a database that did not answer; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the database may refuse a result until it is given up.
const REFUSED: Duration = Duration::from_secs(10);

/// The same for a result over which it loses its connection, or takes too long.
const UNANSWERED: Duration = Duration::from_secs(60);

/// How shells and the JVM exit on SIGTERM, instead of ending by it.
const EXIT_ON_SIGTERM: i32 = 128 + 15;

/// How soon this process hears that it is to stop, after a program of it has heard the same.
const STOP_NOTICE: Duration = Duration::from_millis(200);

/// A claim and what is needed to make good on it.
pub(crate) struct Attempt {
    pub(crate) engine: Engine,
    /// Cancelled when the worker is told to stop.
    pub(crate) stop: CancellationToken,
    /// Cancelled when the programs that still run have no more time.
    pub(crate) hand_back: CancellationToken,
    pub(crate) claim: Claim,
}

/// How the attempt went.
enum Ending {
    Judged(Verdict, Arc<Outcome>),
    /// The program could not be run, for this reason.
    Lost(String),
    /// Nobody wants the result; the row says so already.
    Cancelled,
    /// The worker stops before the program ends.
    HandedBack,
}

impl Attempt {
    /// Drives `run`, which runs the program of the claim, and reports what came of it.
    pub(crate) async fn carry_out(
        self,
        run: impl Future<Output = Result<(Verdict, Outcome), RunFault>> + Send + 'static,
    ) {
        // A task of its own: if it panics, the row must not stay RUNNING. Dropping the handle kills the program.
        let run = AbortOnDropHandle::new(tokio::spawn(run));
        let ending = tokio::select! {
            run = run => match run {
                Ok(Ok((verdict, outcome))) if self.was_stopped(verdict, &outcome).await => Ending::HandedBack,
                Ok(Ok((verdict, outcome))) => Ending::Judged(verdict, Arc::new(outcome)),
                Ok(Err(fault)) => Ending::Lost(with_causes(&fault)),
                Err(panic) => Ending::Lost(with_causes(&panic)),
            },
            () = self.claim.cancelled.cancelled() => Ending::Cancelled,
            () = self.hand_back.cancelled() => Ending::HandedBack,
        };
        self.report(&ending).await;
    }

    /// Returns whether the program ended because this process is to stop: some send SIGTERM to the programs as well, as
    /// systemd does unless it is told otherwise, which says nothing of the program.
    async fn was_stopped(&self, verdict: Verdict, outcome: &Outcome) -> bool {
        if outcome.facts.signal.as_deref() == Some("SIGTERM") || outcome.facts.exit_code == Some(EXIT_ON_SIGTERM) {
            return timeout(STOP_NOTICE, self.stop.cancelled()).await.is_ok();
        }
        // A compiler or a test case may have been ended like this; trying once more does no harm.
        let is_test_in_doubt = |test: &TestResult| {
            test.reason == Some(Reason::RuntimeError) && matches!(test.exit_code, None | Some(EXIT_ON_SIGTERM))
        };
        let is_in_doubt = verdict == Verdict::Failed(Fault::CompileError)
            || outcome.output.tests.iter().flatten().any(is_test_in_doubt);
        is_in_doubt && self.stop.is_cancelled()
    }

    /// Reports until the database has it: what was run must not be lost because the database was away for a while.
    ///
    /// It gives up when the attempt was taken away, and when the worker is told to hand back and has tried once more:
    /// other processes find what is left when the lease has expired.
    async fn report(&self, ending: &Ending) {
        let mut pause = FIRST_PAUSE;
        let began = Instant::now();
        let outage = Outage::default();
        loop {
            match self.try_report(ending).await {
                Ok(Recorded::Accepted) => return,
                Ok(Recorded::Stale) => {
                    warn!(execution.id = %self.claim.execution, "a result came too late and was dropped");
                    return;
                }
                Err(unavailable) => {
                    outage.failed(
                        &format!("a report on execution {} was not written", self.claim.execution),
                        &unavailable,
                    );
                    if Self::is_hopeless(ending, began, &unavailable) && self.give_up(ending, began).await {
                        return;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                () = self.hand_back.cancelled() => return,
            }
        }
    }

    /// Returns whether this result, which could not be written since `began`, will hardly ever be: else it would hold its
    /// slot for ever, such as one that is larger than what the server takes.
    fn is_hopeless(ending: &Ending, began: Instant, error: &Unavailable) -> bool {
        let patience = match error.outlook() {
            Outlook::Better => return false,
            Outlook::Unknown => UNANSWERED,
            Outlook::Same => REFUSED,
        };
        matches!(ending, Ending::Judged(..)) && began.elapsed() >= patience
    }

    /// Ends the attempt without its result if the database answers and does not take that all the same. Returns whether
    /// the row says an end.
    async fn give_up(&self, ending: &Ending, began: Instant) -> bool {
        if !self.engine.database_answers().await {
            return false;
        }
        // The database may have been away until just now.
        let Err(refusal) = self.try_report(ending).await else { return true };
        if !Self::is_hopeless(ending, began, &refusal) {
            return false;
        }
        let why = format!("the database answers, but does not take the result: {}", with_causes(&refusal));
        self.engine.lose(&self.claim, Loss::InternalError, &why).await.is_ok()
    }

    async fn try_report(&self, ending: &Ending) -> Result<Recorded, Unavailable> {
        match ending {
            Ending::Judged(verdict, outcome) => self.engine.finish(&self.claim, *verdict, Arc::clone(outcome)).await,
            Ending::Lost(why) => self.engine.lose(&self.claim, Loss::InternalError, why).await,
            Ending::Cancelled => Ok(Recorded::Accepted),
            Ending::HandedBack => self.engine.hand_back(&self.claim).await,
        }
    }
}

#[cfg(test)]
mod tests;
