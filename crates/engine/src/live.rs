//! Programs that run, for those who take part in them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::LiveInput;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::WorkerId;

use crate::Claim;
use crate::Engine;
use crate::ReadError;
use crate::outage::with_causes;

/// A program that this process runs.
pub trait LiveProgram: fmt::Debug + Send + Sync {
    /// Passes input on, or nothing of it. Does not wait.
    ///
    /// # Errors
    ///
    /// [`InputRefused`] says whether to try again.
    fn send(&self, input: &LiveInput) -> Result<(), InputRefused>;
}

/// Why a program takes no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// It has not read what was sent before, or has not begun. The same input may be taken a moment later.
    #[error("the program does not read its input at this time")]
    Later,
    /// It has ended, or has no input of this kind.
    #[error("the program takes no such input")]
    Never,
    /// The process that was asked does not run it.
    #[error("the program runs elsewhere")]
    Elsewhere,
}

/// Reaches the programs that other processes run.
#[async_trait]
pub trait RemotePrograms: Send + Sync {
    /// Passes input on to the attempt of a worker.
    ///
    /// CANCEL: the input may have been passed on.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when the worker does not answer. The input may have been passed on.
    async fn send(
        &self,
        worker: WorkerId,
        execution: ExecutionId,
        attempt: Attempt,
        input: &LiveInput,
    ) -> Result<Result<(), InputRefused>, Unreachable>;
}

/// The process that runs a program does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the process that runs the program does not answer")]
pub struct Unreachable(#[source] pub Box<dyn Error + Send + Sync>);

/// Why input was not passed on.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// See [`InputRefused`].
    #[error(transparent)]
    Refused(#[from] InputRefused),
    /// See [`Unreachable`].
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The way to the program of one execution, wherever it runs.
pub struct LiveLink {
    engine: Engine,
    tenant: TenantId,
    execution: ExecutionId,
    /// Where it ran last.
    place: Option<(WorkerId, Attempt)>,
}

impl Engine {
    /// Returns the way to the program of an execution.
    #[must_use]
    pub fn link(&self, tenant: &TenantId, execution: ExecutionId) -> LiveLink {
        LiveLink { engine: self.clone(), tenant: tenant.clone(), execution, place: None }
    }

    /// Lets others reach the program of a claim until the claim is dropped.
    pub fn connect(&self, claim: &Claim, program: Arc<dyn LiveProgram>) {
        self.running().connect(claim.execution, claim.attempt, program);
    }

    /// Passes input on to an attempt that this process runs.
    ///
    /// # Errors
    ///
    /// [`InputRefused`] says whether to try again.
    pub fn send_here(&self, execution: ExecutionId, attempt: Attempt, input: &LiveInput) -> Result<(), InputRefused> {
        self.running().program(execution, attempt)?.send(input)
    }
}

impl LiveLink {
    /// Looks again for where the program runs before the next input, as another attempt may have begun.
    pub fn look_again(&mut self) {
        self.place = None;
    }

    /// Passes input on to the program, or nothing of it.
    ///
    /// CANCEL: the input may have been passed on.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why not. While the execution is queued the answer is [`InputRefused::Later`].
    pub async fn send(&mut self, input: &LiveInput) -> Result<(), SendError> {
        let (worker, attempt) = match self.place {
            Some(place) => place,
            None => self.find().await?,
        };
        self.place = Some((worker, attempt));
        match self.send_to(worker, attempt, input).await {
            // It is another attempt by now, or the worker does not know yet that it has this one.
            Err(SendError::Refused(InputRefused::Elsewhere)) => {
                self.place = Some(self.find().await?);
                Err(InputRefused::Later.into())
            }
            Err(error @ SendError::Unreachable(_)) => {
                self.place = None;
                Err(error)
            }
            result => result,
        }
    }

    async fn send_to(&self, worker: WorkerId, attempt: Attempt, input: &LiveInput) -> Result<(), SendError> {
        let here = self.engine.send_here(self.execution, attempt, input);
        if here != Err(InputRefused::Elsewhere) {
            return Ok(here?);
        }
        match self.engine.remote_programs() {
            Some(remote) => match remote.send(worker, self.execution, attempt, input).await {
                Ok(sent) => Ok(sent?),
                Err(error) => {
                    tracing::debug!(execution.id = %self.execution, error = with_causes(&error), "input was not sent");
                    Err(error.into())
                }
            },
            None => Err(InputRefused::Elsewhere.into()),
        }
    }

    /// Finds out where the program runs.
    async fn find(&mut self) -> Result<(WorkerId, Attempt), SendError> {
        self.place = None;
        let head = self.engine.execution_head(&self.tenant, self.execution).await?;
        match (head.state, head.worker) {
            (State::Running { attempt }, Some(worker)) => Ok((worker, attempt)),
            (State::Queued { .. } | State::Running { .. }, _) => Err(InputRefused::Later.into()),
            (State::Stopping { .. } | State::Ended { .. }, _) => Err(InputRefused::Never.into()),
        }
    }
}
