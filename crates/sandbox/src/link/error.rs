//! What can go wrong between the service and the forker.

use crate::step::StepError;
use crate::wire::FixedLimit;
use crate::wire::LimitRefusal;
use crate::wire::Refusal;

/// A sandbox that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kernel refused something that every bay needs.
    #[error("this host cannot build sandboxes")]
    Unusable(#[source] StepError),
    /// Keeper or forker died or said nothing in time.
    #[error("the sandbox's forker process did not start")]
    NoForker,
    /// A socket to them failed.
    #[error("failed to speak to the sandbox's processes")]
    Socket(#[source] std::io::Error),
}

/// A bay that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BayError {
    /// As many bays as configured are alive.
    #[error("all {0} bays are in use")]
    NoFreeBay(u32),
    /// The kernel refused a step of making it.
    #[error(transparent)]
    Step(StepError),
    /// Its pipes could not be taken over; the service may have too many open files.
    #[error("failed to take over the bay's pipes")]
    Pipes(#[source] std::io::Error),
    /// The forker died or did not answer in time; there may be another one soon.
    #[error("the sandbox's forker process does not answer")]
    NoForker,
}

/// Limits of a parked bay that were not changed.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// A part of the bay's mounts depends on it. The bay has the limits that it had.
    #[error("{0} cannot be changed once a bay is built; take a fresh bay")]
    Fixed(FixedLimit),
    /// The bay is dead, or does not wait for a job.
    #[error("the bay is not parked; take a fresh bay")]
    NotParked,
    /// The kernel refused a step, such as to lower the memory below what the bay has already.
    #[error(transparent)]
    Step(StepError),
    /// The forker died or did not answer in time; there may be another one soon.
    #[error("the sandbox's forker process does not answer")]
    NoForker,
}

impl From<Refusal> for BayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoFreeBay(count) => Self::NoFreeBay(count),
            Refusal::Step(error) => Self::Step(error),
        }
    }
}

impl From<LimitRefusal> for LimitError {
    fn from(refusal: LimitRefusal) -> Self {
        match refusal {
            LimitRefusal::Fixed(limit) => Self::Fixed(limit),
            LimitRefusal::NotParked => Self::NotParked,
            LimitRefusal::Step(error) => Self::Step(error),
        }
    }
}
