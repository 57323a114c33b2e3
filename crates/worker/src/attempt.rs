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
use runbay_model::TestResult;
use runbay_model::Verdict;
use runbay_runner::Ran;
use runbay_runner::RunFault;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use crate::participants::Participants;

/// The pause before a report is sent again to a database that did not answer. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the database may refuse a result before the worker gives it up.
const REFUSED: Duration = Duration::from_secs(10);

/// The same for a result that ends the connection to the database or takes the database too long.
const UNANSWERED: Duration = Duration::from_secs(60);

/// The exit code of shells and the JVM after SIGTERM. They exit by themselves instead of ending by the signal.
const EXIT_ON_SIGTERM: i32 = 128 + 15;

/// The longest time from a SIGTERM to a program until this process learns that it is to stop.
const STOP_NOTICE: Duration = Duration::from_millis(200);

/// How long the end of a run waits until watchers are told what came before it.
const BROADCAST_PATIENCE: Duration = Duration::from_millis(500);

/// How long a program that is told to stop may take to end. Whoever cancelled it has given up before that.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A claim with what its run needs.
pub(crate) struct Attempt {
    pub(crate) engine: Engine,
    /// Cancelled when the worker is told to stop.
    pub(crate) stop: CancellationToken,
    /// Cancelled when the time of the programs that still run is over.
    pub(crate) hand_back: CancellationToken,
    pub(crate) claim: Claim,
    /// Tells watchers what the program writes; ends with the run.
    pub(crate) broadcast: AbortOnDropHandle<()>,
    /// What those who take part send.
    pub(crate) participants: Arc<Participants>,
}

/// How an attempt ended.
enum Ending {
    Judged(Verdict, Arc<Outcome>),
    /// The program could not be run. The text says why.
    Lost(String),
    /// The result is not wanted. Holds what the program had written when it was stopped, if anything is known of it.
    Stopped(Option<Arc<Outcome>>),
    /// The worker stops before the program ends.
    HandedBack,
}

impl Attempt {
    /// Runs `run`, which runs the program of the claim until it ends or is cancelled, and reports its result.
    pub(crate) async fn carry_out(mut self, run: impl Future<Output = Result<Ran, RunFault>> + Send + 'static) {
        // The run is a task of its own: if it panics, the row must not stay RUNNING. Dropping the handle kills the
        // program.
        let mut run = AbortOnDropHandle::new(tokio::spawn(run));
        let ending = tokio::select! {
            biased;
            () = self.claim.cancelled.cancelled() => Ending::Stopped(what_was_written(run).await),
            run = &mut run => match run {
                // It ended by the signal that was sent before it is cancelled.
                Ok(Ok(Ran::Judged(_, outcome))) if self.participants.has_asked_for_end() && self.cancel().await => {
                    Ending::Stopped(Some(Arc::new(outcome)))
                }
                Ok(Ok(Ran::Judged(verdict, outcome))) if self.was_stopped(verdict, &outcome).await => {
                    Ending::HandedBack
                }
                Ok(Ok(Ran::Judged(verdict, outcome))) => Ending::Judged(verdict, Arc::new(outcome)),
                Ok(Ok(Ran::Stopped(outcome))) => Ending::Stopped(Some(Arc::new(outcome))),
                Ok(Err(fault)) => Ending::Lost(with_causes(&fault)),
                Err(panic) => Ending::Lost(with_causes(&panic)),
            },
            () = self.hand_back.cancelled() => Ending::HandedBack,
            () = self.participants.want_end() => {
                self.cancel().await;
                Ending::Stopped(what_was_written(run).await)
            }
        };
        // Watchers are told nothing after the result.
        if timeout(BROADCAST_PATIENCE, &mut self.broadcast).await.is_err() {
            info!(execution.id = %self.claim.execution, "watchers get the rest of the output with the result");
        }
        self.report(&ending).await;
    }

    /// Cancels the execution for those who asked for it, or who are gone. Returns whether it is cancelled.
    async fn cancel(&self) -> bool {
        match self.engine.cancel_attempt(&self.claim).await {
            Ok(()) => true,
            Err(error) => {
                info!(execution.id = %self.claim.execution, error = with_causes(&error), "a run was not cancelled");
                false
            }
        }
    }

    /// Returns whether the program ended because this process is told to stop.
    ///
    /// Some supervisors send SIGTERM to the programs as well, as systemd does by default. That says nothing of the
    /// program.
    async fn was_stopped(&self, verdict: Verdict, outcome: &Outcome) -> bool {
        if outcome.facts.signal.as_deref() == Some("SIGTERM") || outcome.facts.exit_code == Some(EXIT_ON_SIGTERM) {
            return timeout(STOP_NOTICE, self.stop.cancelled()).await.is_ok();
        }
        // SIGTERM may have ended a compiler or a test case as well. One more attempt does no harm.
        let is_test_in_doubt =
            |test: &TestResult| test.signal.as_deref() == Some("SIGTERM") || test.exit_code == Some(EXIT_ON_SIGTERM);
        let is_in_doubt = verdict == Verdict::Failed(Fault::CompileError)
            || outcome.output.tests.iter().flatten().any(is_test_in_doubt);
        is_in_doubt && self.stop.is_cancelled()
    }

    /// Reports the ending, again and again until the database has it.
    ///
    /// A result must not be lost because the database is away for a while. The report is given up when the attempt was
    /// taken away, and after one more try when the worker is told to hand back. Other processes then find the execution
    /// once the lease has expired.
    async fn report(&self, ending: &Ending) {
        let mut pause = FIRST_PAUSE;
        let began = Instant::now();
        let outage = Outage::default();
        loop {
            match self.try_report(ending).await {
                Ok(Recorded::Accepted) => return,
                // It is not wanted: the attempt was taken away, or its end was written without it.
                Ok(Recorded::Stale) if matches!(ending, Ending::Stopped(_)) => return,
                Ok(Recorded::Stale) => {
                    // It was cancelled, or somebody else runs it, who has logged why.
                    info!(execution.id = %self.claim.execution, "a result came too late and was dropped");
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

    /// Returns whether the database is unlikely to ever take a result that it has failed to take since `began`.
    ///
    /// Such a result may be larger than what the server accepts. It must not hold its slot for ever.
    fn is_hopeless(ending: &Ending, began: Instant, error: &Unavailable) -> bool {
        let patience = match error.outlook() {
            Outlook::Better => return false,
            Outlook::Unknown => UNANSWERED,
            Outlook::Same => REFUSED,
        };
        matches!(ending, Ending::Judged(..) | Ending::Stopped(Some(_))) && began.elapsed() >= patience
    }

    /// Ends the attempt without its result if the database answers but does not take the result.
    ///
    /// Returns whether the row has an end.
    async fn give_up(&self, ending: &Ending, began: Instant) -> bool {
        if !self.engine.database_answers().await {
            return false;
        }
        // The database may have come back only just before.
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
            Ending::Stopped(outcome) => self.engine.settle(&self.claim, outcome.clone()).await,
            Ending::HandedBack => self.engine.hand_back(&self.claim).await,
        }
    }
}

/// Waits for the end of a run that was told to stop.
async fn what_was_written(run: AbortOnDropHandle<Result<Ran, RunFault>>) -> Option<Arc<Outcome>> {
    match timeout(STOP_PATIENCE, run).await {
        Ok(Ok(Ok(Ran::Judged(_, outcome) | Ran::Stopped(outcome)))) => Some(Arc::new(outcome)),
        Ok(Ok(Err(fault))) => {
            info!(error = ?fault, "a cancelled run failed before it was stopped");
            None
        }
        Ok(Err(panic)) => {
            info!(error = ?panic, "a cancelled run panicked before it was stopped");
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
