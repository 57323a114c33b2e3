//! Running one program in a bay: feeding it, passing on its output, and stopping it when it goes too far.

mod clock;
mod controls;
mod idle;
mod output;
mod report;
mod running;
mod start;
mod stdin;
mod terminal;
mod typing;
mod watch;

use crate::bay::Invocation;
use crate::link::Bay;

pub use clock::Clocks;
pub use clock::Stop;
pub use controls::Controls;
pub use output::Chunk;
pub use output::OutputStream;
pub use report::Ending;
pub use report::Report;
pub use report::RunError;
pub use running::Running;
pub use start::ParkedBay;
pub use stdin::Stdin;

/// Runs a program to its end with `stdin` as its whole input, and collects its output.
///
/// CANCEL: dropping the future kills the program.
///
/// # Errors
///
/// [`RunError`] for faults of host or service; whatever the program does is a [`Report`].
pub async fn run(bay: Bay, invocation: &Invocation, stdin: &[u8], clocks: &Clocks) -> Result<Report, RunError> {
    let (running, mut input) = bay.start(invocation, clocks).await?;
    let feeding = async move {
        // A program that does not read its input to the end is none the worse for it.
        if input.write_all(stdin).await.is_ok() {
            drop(input.close().await);
        }
    };
    running.collect(feeding, |_| {}).await
}

#[cfg(test)]
mod tests;
