//! Ctrl-C, which stops the program and not this command.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::io::Write;

use runbay_client::Client;
use runbay_client::InputSender;
use runbay_client::RequestError;
use runbay_model::ExecutionId;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// The signals of this command, and whom they are for.
pub(super) struct Interrupts<'a> {
    client: &'a Client,
    execution: ExecutionId,
    /// The way into the conversation, if there is one.
    input: Option<InputSender>,
    interrupt: Signal,
    terminate: Signal,
}

/// What was asked for so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Calm,
    Interrupted,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Interrupt,
    Terminate,
}

impl<'a> Interrupts<'a> {
    /// Catches SIGINT and SIGTERM from now on.
    pub(super) fn new(client: &'a Client, execution: ExecutionId, input: Option<InputSender>) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { client, execution, input, interrupt, terminate })
    }

    /// Passes on what the signals ask for. Returns when this command should end without the program.
    pub(super) async fn obey(&mut self) {
        let mut stage = Stage::Calm;
        loop {
            let ask = ask(self.client, self.execution, self.input.as_ref(), stage);
            let wish = tokio::select! {
                _ = self.interrupt.recv() => Wish::Interrupt,
                _ = self.terminate.recv() => Wish::Terminate,
                never = ask => match never {},
            };
            match stage.next(wish) {
                Some(next) => stage = next,
                None => return,
            }
        }
    }
}

impl Stage {
    const fn next(self, wish: Wish) -> Option<Self> {
        match (self, wish) {
            (Self::Calm, Wish::Interrupt) => Some(Self::Interrupted),
            (Self::Calm, Wish::Terminate) | (Self::Interrupted, _) => Some(Self::Cancelled),
            (Self::Cancelled, _) => None,
        }
    }
}

/// Asks for what a stage means, once.
async fn ask(client: &Client, execution: ExecutionId, input: Option<&InputSender>, stage: Stage) -> Infallible {
    let answer = match (stage, input) {
        (Stage::Calm, _) => Ok(()),
        (Stage::Interrupted, Some(input)) => {
            // It is closed at the end of the program only.
            _ = input.signal("SIGINT").await;
            Ok(())
        }
        (Stage::Interrupted, None) => client.cancel(execution, Some("SIGINT")).await,
        (Stage::Cancelled, _) => client.cancel(execution, None).await,
    };
    if let Err(error) = answer.or_else(unless_ended) {
        // Nobody is left to tell when standard error is closed.
        _ = write!(io::stderr(), "runbay: The execution could not be stopped: {error}\r\n");
    }
    pending().await
}

fn unless_ended(error: RequestError) -> Result<(), RequestError> {
    match error.problem() {
        Some(problem) if problem.code == "execution_ended" => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_asks_for_more() {
        let stages = |wishes: &[Wish]| wishes.iter().try_fold(Stage::Calm, |stage, wish| stage.next(*wish));
        use Wish::{Interrupt, Terminate};
        assert_eq!(stages(&[Interrupt]), Some(Stage::Interrupted));
        assert_eq!(stages(&[Interrupt, Interrupt]), Some(Stage::Cancelled));
        assert_eq!(stages(&[Terminate]), Some(Stage::Cancelled));
        assert_eq!(stages(&[Terminate, Interrupt]), None);
        assert_eq!(stages(&[Interrupt, Interrupt, Interrupt]), None);
    }
}
