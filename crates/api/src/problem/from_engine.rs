//! Which problem each error of the engine is.

use std::error::Error;

use runbay_engine::CancelError;
use runbay_engine::CheckError;
use runbay_engine::CreateSessionError;
use runbay_engine::ReadError;
use runbay_engine::SaveSessionError;
use runbay_engine::SubmitError;
use runbay_engine::Unavailable;
use runbay_engine::UnknownLanguage;

use super::Code;
use super::Problem;

impl From<CreateSessionError> for Problem {
    fn from(error: CreateSessionError) -> Self {
        match error {
            CreateSessionError::UnknownLanguage(error) => unknown_language(&error),
            CreateSessionError::NoLanguage => no_language(),
            CreateSessionError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<SaveSessionError> for Problem {
    fn from(error: SaveSessionError) -> Self {
        match error {
            SaveSessionError::NotFound => Self::new(Code::SessionNotFound),
            SaveSessionError::Inactive => Self::new(Code::SessionInactive).detail("A closed session cannot be saved."),
            SaveSessionError::VersionConflict { current } => Self::new(Code::VersionConflict)
                .detail(format!("The session is at version {current}; read it before saving again."))
                .field("version", format_args!("the session is at version {current}")),
            SaveSessionError::UnknownLanguage(error) => unknown_language(&error),
            SaveSessionError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::SessionNotFound => Self::new(Code::SessionNotFound),
            SubmitError::SessionInactive => Self::new(Code::SessionInactive).detail("A closed session cannot be run."),
            SubmitError::ActiveExecution { execution } => {
                let problem = Self::new(Code::ActiveExecution);
                match execution {
                    Some(id) => problem.detail(format!("Execution {id} has not ended yet.")),
                    None => problem,
                }
            }
            SubmitError::Cooldown { retry_after } => Self::new(Code::Cooldown)
                .detail("The session has to rest a while after each run.")
                .retry_after(retry_after),
            SubmitError::RateLimited { runs_per_minute, retry_after } => Self::new(Code::RateLimited)
                .detail(format!("A session may be run {runs_per_minute} times a minute."))
                .retry_after(retry_after),
            SubmitError::KeyReused => Self::new(Code::IdempotencyKeyReused)
                .detail("Within 24 hours, a key may be sent again only with the same body.")
                .field("idempotency-key", "was sent before with another body"),
            SubmitError::QueueFull { depth, max } => Self::new(Code::QueueFull)
                .detail("Too many executions wait for a worker.")
                .cause(format_args!("{depth} executions wait, {max} may")),
            SubmitError::UnknownLanguage(error) => unknown_language(&error),
            SubmitError::NoLanguage => no_language(),
            SubmitError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NotFound => Self::new(Code::SessionNotFound),
            CheckError::Inactive => Self::new(Code::SessionInactive).detail("A closed session cannot be checked."),
            CheckError::UnknownLanguage(error) => unknown_language(&error),
            CheckError::Busy => Self::new(Code::CheckerBusy).cause("as many checks run and wait as may"),
            CheckError::Failed(cause) => {
                Self::new(Code::CheckerFailed).detail("This is not the fault of the code.").cause(chain(&*cause))
            }
            CheckError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::new(Code::ExecutionNotFound),
            CancelError::AlreadyEnded => {
                Self::new(Code::ExecutionEnded).detail("Only a queued or running execution can be cancelled.")
            }
            CancelError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        unavailable(&error)
    }
}

impl Problem {
    /// Says that reading a session failed.
    pub(crate) fn of_session(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::SessionNotFound),
            ReadError::Unavailable(cause) => unavailable(&cause),
        }
    }

    /// Says that reading an execution failed.
    pub(crate) fn of_execution(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::ExecutionNotFound),
            ReadError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

fn unknown_language(UnknownLanguage { name, known }: &UnknownLanguage) -> Problem {
    let known = known.join(", ");
    Problem::new(Code::UnknownLanguage)
        .detail(format!("Languages are exact, lower-case names; offered are {known}."))
        .field("language", format_args!("{name:?} is none of {known}"))
}

fn no_language() -> Problem {
    let sentence = "No language runtime was found on this host.";
    Problem::new(Code::NoLanguage).detail(sentence).cause(sentence)
}

/// The cause goes to the log; clients need not know which database there is.
fn unavailable(error: &(dyn Error + 'static)) -> Problem {
    Problem::new(Code::Unavailable).cause(chain(error))
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| Error::source(*error));
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
