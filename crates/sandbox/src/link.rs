//! The service's side: asks the forker for bays and hears how they ended.

mod bay;
mod control;
mod error;
mod forker_socket;
mod sandbox;
mod task;

pub use bay::Bay;
pub(crate) use bay::BayHandle;
#[cfg(test)]
pub(crate) use bay::ForkerImitation;
pub(crate) use control::Control;
pub(crate) use control::Speaker;
pub use error::BayError;
pub use error::ConnectError;
pub use error::LimitError;
pub use sandbox::Sandbox;
