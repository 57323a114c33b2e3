//! The life cycle of an execution: one state and one function [`next`]. Every other move is illegal.
//!
//! ```text
//! QUEUED ──claim──► RUNNING ──finish──► COMPLETED, FAILED, TIMEOUT
//!    ▲  │              │ │
//!    │  │              │ └──cancel────► stopping ──any report, or none in time──┐
//!    │  └───cancel─────┼───────────────────────────────────────────► CANCELLED ◄┘
//!    └──lose, hand back┘
//! ```
//!
//! An execution that is stopping is still RUNNING for its readers, so that the end they see is the last word.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// The number of a claim: 0 before the first one, then 1, 2 and so on.
///
/// Every write after a claim carries the number, so that a worker that was thought dead cannot overwrite its successor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    const fn following(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an execution is in its life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The execution waits for a worker.
    Queued {
        /// The newest attempt that was lost or handed back.
        previous: Attempt,
    },
    /// A worker runs the execution.
    Running {
        /// The number of the worker's claim.
        attempt: Attempt,
    },
    /// The execution was cancelled while it ran. Its worker stops the program and reports what that has written.
    Stopping {
        /// The number of the worker's claim.
        attempt: Attempt,
    },
    /// The execution ended. Nothing changes it afterwards.
    Ended {
        /// The attempt that ended it.
        attempt: Attempt,
        /// How it ended.
        end: End,
    },
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The program ran and got this verdict.
    Judged(Verdict),
    /// The execution used up its attempts without a result.
    Lost(Loss),
    /// Somebody cancelled the execution.
    Cancelled,
}

/// The verdict on a program that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The program ended by itself with exit code 0.
    Completed,
    /// The program failed by its own fault.
    Failed(Fault),
    /// The program ran out of time.
    TimedOut(TimeLimit),
}

impl Verdict {
    /// Returns why the program did not end well. Returns none when it did.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Completed => None,
            Self::Failed(fault) => Some(match fault {
                Fault::RuntimeError => Reason::RuntimeError,
                Fault::CompileError => Reason::CompileError,
                Fault::MemoryLimit => Reason::MemoryLimit,
                Fault::OutputLimit => Reason::OutputLimit,
                Fault::ProcessLimit => Reason::ProcessLimit,
            }),
            Self::TimedOut(limit) => Some(match limit {
                TimeLimit::WallTime => Reason::WallTimeLimit,
                TimeLimit::CpuTime => Reason::CpuTimeLimit,
                TimeLimit::IdleTime => Reason::IdleTimeLimit,
            }),
        }
    }
}

/// How a program failed by its own fault. Such a program is never retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The program ended with a non-zero exit code or by a signal.
    RuntimeError,
    /// The compiler refused the code.
    CompileError,
    /// The program used more memory than allowed.
    MemoryLimit,
    /// The program wrote more output than allowed.
    OutputLimit,
    /// The program started more processes than allowed, and failed.
    ProcessLimit,
}

/// Which clock ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeLimit {
    /// Time on the wall clock.
    WallTime,
    /// CPU time of all processes together.
    CpuTime,
    /// Time without any input or output of an interactive run.
    IdleTime,
}

/// Why an attempt gave no result. The execution is retried while attempts are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The worker died or lost its lease.
    WorkerLost,
    /// The worker could not run the program, by a fault of the service.
    InternalError,
}

/// An event in the life of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker claims the execution.
    Claim,
    /// The worker that holds `attempt` reports its verdict.
    Finish {
        /// The claim of the reporting worker.
        attempt: Attempt,
        /// The verdict on the program.
        verdict: Verdict,
    },
    /// `attempt` will never give a result.
    Lose {
        /// The claim that is lost.
        attempt: Attempt,
        /// Why it gives no result.
        loss: Loss,
        /// How many attempts an execution gets.
        attempts_allowed: u32,
    },
    /// The worker returns an unfinished execution because it stops. This uses up no attempt.
    HandBack {
        /// The claim that is returned.
        attempt: Attempt,
    },
    /// Somebody cancels the execution.
    Cancel,
    /// The program of `attempt` was stopped, or nothing is heard of it any more.
    Settle {
        /// The claim that was stopped.
        attempt: Attempt,
    },
}

/// A move that the life cycle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an execution that is {state:?}")]
pub struct IllegalMove {
    /// The state of the execution.
    pub state: State,
    /// The event that is not possible in this state.
    pub event: Event,
}

/// Returns the state that follows when `event` happens in `state`.
///
/// # Errors
///
/// [`IllegalMove`] when the life cycle has no such move. Every event in an ended state is such a move, and so is every
/// report on an attempt that is not the present one.
pub fn next(state: State, event: Event) -> Result<State, IllegalMove> {
    use State::{Ended, Queued, Running, Stopping};
    match (state, event) {
        (Queued { previous }, Event::Claim) => Ok(Running { attempt: previous.following() }),
        (Queued { previous }, Event::Cancel) => Ok(Ended { attempt: previous, end: End::Cancelled }),
        (Running { attempt }, Event::Cancel) => Ok(Stopping { attempt }),
        (
            Stopping { attempt },
            Event::Settle { attempt: reported }
            | Event::Finish { attempt: reported, .. }
            | Event::Lose { attempt: reported, .. }
            | Event::HandBack { attempt: reported },
        ) if attempt == reported => Ok(Ended { attempt, end: End::Cancelled }),
        (Running { attempt }, Event::Finish { attempt: reported, verdict }) if attempt == reported => {
            Ok(Ended { attempt, end: End::Judged(verdict) })
        }
        (Running { attempt }, Event::Lose { attempt: lost, loss, attempts_allowed }) if attempt == lost => {
            if attempt.0 < attempts_allowed {
                Ok(Queued { previous: attempt })
            } else {
                Ok(Ended { attempt, end: End::Lost(loss) })
            }
        }
        (Running { attempt }, Event::HandBack { attempt: returned }) if attempt == returned => {
            Ok(Queued { previous: attempt })
        }
        _ => Err(IllegalMove { state, event }),
    }
}

/// A word that is not in a fixed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $case:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = $case)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the word used in answers, rows, metrics and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord(text.to_owned())),
                }
            }
        }
    };
}

words! {
    /// The word that clients see for a [`State`].
    Status, "UPPERCASE" {
        /// The execution waits for a worker.
        Queued = "QUEUED",
        /// A worker runs the execution.
        Running = "RUNNING",
        /// The program ended with exit code 0.
        Completed = "COMPLETED",
        /// The execution failed. The reason says how.
        Failed = "FAILED",
        /// The program ran out of time. The reason says of which.
        Timeout = "TIMEOUT",
        /// Somebody cancelled the execution.
        Cancelled = "CANCELLED",
    }
}

words! {
    /// Why an execution ended as it did.
    Reason, "snake_case" {
        /// See [`Fault::RuntimeError`].
        RuntimeError = "runtime_error",
        /// See [`Fault::CompileError`].
        CompileError = "compile_error",
        /// See [`Fault::MemoryLimit`].
        MemoryLimit = "memory_limit",
        /// See [`Fault::OutputLimit`].
        OutputLimit = "output_limit",
        /// See [`Fault::ProcessLimit`].
        ProcessLimit = "process_limit",
        /// See [`Loss::WorkerLost`].
        WorkerLost = "worker_lost",
        /// See [`Loss::InternalError`].
        InternalError = "internal_error",
        /// See [`TimeLimit::WallTime`].
        WallTimeLimit = "wall_time_limit",
        /// See [`TimeLimit::CpuTime`].
        CpuTimeLimit = "cpu_time_limit",
        /// See [`TimeLimit::IdleTime`].
        IdleTimeLimit = "idle_time_limit",
        /// See [`End::Cancelled`].
        Cancelled = "cancelled",
    }
}

impl State {
    /// The state of an execution that was just accepted.
    pub const ACCEPTED: Self = Self::Queued { previous: Attempt(0) };

    /// Returns the word that clients see.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Queued { .. } => Status::Queued,
            Self::Running { .. } | Self::Stopping { .. } => Status::Running,
            Self::Ended { end: End::Judged(Verdict::Completed), .. } => Status::Completed,
            Self::Ended { end: End::Judged(Verdict::Failed(_)) | End::Lost(_), .. } => Status::Failed,
            Self::Ended { end: End::Judged(Verdict::TimedOut(_)), .. } => Status::Timeout,
            Self::Ended { end: End::Cancelled, .. } => Status::Cancelled,
        }
    }

    /// Returns why the execution ended as it did. Returns none before its end and after success.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        let Self::Ended { end, .. } = self else {
            return None;
        };
        match end {
            End::Judged(verdict) => verdict.reason(),
            End::Lost(Loss::WorkerLost) => Some(Reason::WorkerLost),
            End::Lost(Loss::InternalError) => Some(Reason::InternalError),
            End::Cancelled => Some(Reason::Cancelled),
        }
    }

    /// Returns the number of the newest attempt. It is 0 before the first claim.
    #[must_use]
    pub const fn attempt(self) -> Attempt {
        match self {
            Self::Queued { previous: attempt }
            | Self::Running { attempt }
            | Self::Stopping { attempt }
            | Self::Ended { attempt, .. } => attempt,
        }
    }

    /// Returns whether the execution has ended.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    /// Builds a state from its [`State::status`], [`State::reason`] and [`State::attempt`].
    ///
    /// Returns none when the three do not fit each other. They do not tell [`State::Stopping`] from running.
    #[must_use]
    pub fn from_parts(status: Status, reason: Option<Reason>, attempt: Attempt) -> Option<Self> {
        let end = match (status, reason) {
            (Status::Queued, None) => return Some(Self::Queued { previous: attempt }),
            (Status::Running, None) => return Some(Self::Running { attempt }),
            (Status::Completed, None) => End::Judged(Verdict::Completed),
            (Status::Failed, Some(Reason::RuntimeError)) => End::Judged(Verdict::Failed(Fault::RuntimeError)),
            (Status::Failed, Some(Reason::CompileError)) => End::Judged(Verdict::Failed(Fault::CompileError)),
            (Status::Failed, Some(Reason::MemoryLimit)) => End::Judged(Verdict::Failed(Fault::MemoryLimit)),
            (Status::Failed, Some(Reason::OutputLimit)) => End::Judged(Verdict::Failed(Fault::OutputLimit)),
            (Status::Failed, Some(Reason::ProcessLimit)) => End::Judged(Verdict::Failed(Fault::ProcessLimit)),
            (Status::Failed, Some(Reason::WorkerLost)) => End::Lost(Loss::WorkerLost),
            (Status::Failed, Some(Reason::InternalError)) => End::Lost(Loss::InternalError),
            (Status::Timeout, Some(Reason::WallTimeLimit)) => End::Judged(Verdict::TimedOut(TimeLimit::WallTime)),
            (Status::Timeout, Some(Reason::CpuTimeLimit)) => End::Judged(Verdict::TimedOut(TimeLimit::CpuTime)),
            (Status::Timeout, Some(Reason::IdleTimeLimit)) => End::Judged(Verdict::TimedOut(TimeLimit::IdleTime)),
            (Status::Cancelled, Some(Reason::Cancelled)) => End::Cancelled,
            _ => return None,
        };
        Some(Self::Ended { attempt, end })
    }
}

#[cfg(test)]
mod tests;
