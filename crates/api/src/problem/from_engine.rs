//! The problem for each error of the engine.

use std::error::Error;

use runbay_engine::AcceptRefusal;
use runbay_engine::CancelError;
use runbay_engine::CheckError;
use runbay_engine::CreateSessionError;
use runbay_engine::NoPlace;
use runbay_engine::NoRoom;
use runbay_engine::ReadError;
use runbay_engine::RequeueError;
use runbay_engine::RequeueRefusal;
use runbay_engine::SaveSessionError;
use runbay_engine::SubmitError;
use runbay_engine::Unavailable;
use runbay_engine::UnknownLanguage;
use runbay_shares::Spent;

use super::Code;
use super::Problem;

impl From<CreateSessionError> for Problem {
    fn from(error: CreateSessionError) -> Self {
        match error {
            CreateSessionError::UnknownLanguage(error) => unknown_language(&error),
            CreateSessionError::NoLanguage => no_language(),
            CreateSessionError::KeyReused => key_reused(),
            CreateSessionError::NoRoom(reason) => no_room(reason),
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
            SaveSessionError::NoRoom(reason) => no_room(reason),
            SaveSessionError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refused(refusal, "A closed session cannot be run."),
            SubmitError::NoPlace(reason) => no_place(reason),
            SubmitError::UnknownLanguage(error) => unknown_language(&error),
            SubmitError::NoLanguage => no_language(),
            SubmitError::NoRepl { language } => Self::new(Code::InvalidBody).field(
                "repl",
                format_args!("{language} has no prompt of its own; GET /languages says which languages have one"),
            ),
            SubmitError::NoRoom(reason) => no_room(reason),
            SubmitError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

impl From<RequeueError> for Problem {
    fn from(error: RequeueError) -> Self {
        match error {
            RequeueError::Refused(RequeueRefusal::NotFound) => Self::new(Code::DeadLetterNotFound),
            RequeueError::Refused(RequeueRefusal::Accept(refusal)) => {
                refused(refusal, "What belongs to a closed session cannot be run again.")
            }
            RequeueError::NoPlace(reason) => no_place(reason),
            RequeueError::UnknownLanguage(error) => unknown_language(&error),
            RequeueError::Unavailable(cause) => unavailable(&cause),
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
            CheckError::Share { waiting, max } => Self::new(Code::ClientShare).detail(format!(
                "{waiting} checks of this client wait, of {max} that may be under way or wait in all; the rest is for \
                 others. Check less often."
            )),
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
    /// Makes the problem for a session that could not be read.
    pub(crate) fn of_session(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::SessionNotFound),
            ReadError::Unavailable(cause) => unavailable(&cause),
        }
    }

    /// Makes the problem for a dead letter that could not be read or removed.
    pub(crate) fn of_dead_letter(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::DeadLetterNotFound),
            ReadError::Unavailable(cause) => unavailable(&cause),
        }
    }

    /// Makes the problem for an execution that could not be read.
    pub(crate) fn of_execution(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::ExecutionNotFound),
            ReadError::Unavailable(cause) => unavailable(&cause),
        }
    }
}

/// Makes the problem for an execution that was not accepted. `inactive` is the text for a closed session.
fn refused(refusal: AcceptRefusal, inactive: &str) -> Problem {
    match refusal {
        AcceptRefusal::SessionNotFound => Problem::new(Code::SessionNotFound),
        AcceptRefusal::SessionInactive => Problem::new(Code::SessionInactive).detail(inactive),
        AcceptRefusal::ActiveExecution { execution: None } => Problem::new(Code::ActiveExecution),
        AcceptRefusal::ActiveExecution { execution: Some(id) } => {
            let sentence = format!("Execution {id} has not ended yet; wait for its end or cancel it.");
            Problem::new(Code::ActiveExecution).detail(sentence).execution(id)
        }
        AcceptRefusal::Cooldown { retry_after } => Problem::new(Code::Cooldown)
            .detail("The session has to rest a while after each run.")
            .retry_after(retry_after),
        AcceptRefusal::RateLimited { runs_per_minute, retry_after } => Problem::new(Code::RateLimited)
            .detail(format!("A session may be run {runs_per_minute} times a minute."))
            .retry_after(retry_after),
        AcceptRefusal::KeyReused => key_reused(),
        AcceptRefusal::LanguageNotOffered { language } => {
            unknown_language(&UnknownLanguage { name: language.to_string(), known: Vec::new(), nearest: None })
        }
    }
}

fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused)
        .detail("Within 24 hours, a key may be sent again only with the same body.")
        .field("idempotency-key", "was sent before with another body")
}

fn no_place(reason: NoPlace) -> Problem {
    match reason {
        NoPlace::Full { depth, max } => Problem::new(Code::QueueFull)
            .detail(format!("{depth} executions wait for a worker, and no more than {max} may."))
            .cause(format_args!("{depth} executions wait, {max} may")),
        NoPlace::Share { held, max } => Problem::new(Code::ClientShare).detail(format!(
            "{held} executions of this client wait for a worker, of {max} that may wait in all; the rest is for others. \
             Wait until some have begun, or cancel them."
        )),
        NoPlace::QueueUnavailable(cause) => Problem::new(Code::QueueUnavailable)
            .detail("This server accepts nothing while its queue does not answer.")
            .cause(chain(&cause)),
        NoPlace::Unavailable(cause) => unavailable(&cause),
    }
}

fn no_room(reason: NoRoom) -> Problem {
    match reason {
        NoRoom::Full { stored, max } => Problem::new(Code::StorageFull)
            .detail("Close sessions with erase=true, or ask the operator for room; reading and closing go on.")
            .cause(format_args!("{stored} bytes are stored, and --max-stored-bytes is {max}")),
        NoRoom::Spent(Spent { hourly, retry_after }) => Problem::new(Code::ClientShare)
            .detail(format!(
                "This client has added what it may within an hour, {hourly} bytes of code and input; some of it comes \
                 back all the time. Reading and closing go on."
            ))
            .retry_after(retry_after),
    }
}

fn unknown_language(UnknownLanguage { name, known, nearest }: &UnknownLanguage) -> Problem {
    if known.is_empty() {
        return no_language();
    }
    let known = known.join(", ");
    let problem = Problem::new(Code::UnknownLanguage)
        .detail(format!("Languages are exact, lower-case names; offered are {known}."));
    match nearest {
        Some(nearest) => problem.field("language", format_args!("{name:?} is not offered; did you mean {nearest}?")),
        None => problem.field("language", format_args!("{name:?} is none of {known}")),
    }
}

fn no_language() -> Problem {
    let sentence = "No worker has said yet which languages it runs.";
    Problem::new(Code::NoLanguage).detail(sentence).cause(sentence)
}

/// Makes the problem for a database or queue that does not answer. The cause goes to the log, because clients need not
/// know it.
fn unavailable(error: &(dyn Error + 'static)) -> Problem {
    Problem::new(Code::Unavailable).cause(chain(error))
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| Error::source(*error));
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
