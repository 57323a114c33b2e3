//! Compilations that are told to stop.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use runbay_model::Facts;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::cut_at_character;
use runbay_sandbox::Report;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::TOOL_OUTPUT_BYTES;

/// Ends the wait for a compilation, and keeps what the compiler has written.
#[derive(Debug)]
pub(crate) struct Interruption<'a> {
    stop: &'a CancellationToken,
    began: Instant,
    compiler: watch::Sender<Compiler>,
}

#[derive(Debug)]
enum Compiler {
    /// None runs for this request. Another request may compile the same.
    Absent,
    Runs,
    Stopped {
        output: Vec<u8>,
        time: Duration,
    },
}

impl<'a> Interruption<'a> {
    /// Begins to wait.
    pub(crate) fn new(stop: &'a CancellationToken) -> Self {
        Self { stop, began: Instant::now(), compiler: watch::Sender::new(Compiler::Absent) }
    }

    /// Says that a compiler runs for this request. Returns what tells it to stop.
    pub(super) fn compiles(&self) -> impl Future<Output = ()> {
        self.compiler.send_replace(Compiler::Runs);
        self.stop.cancelled()
    }

    /// Takes the report of a compiler that was told to stop.
    ///
    /// Never returns, so that the future of the compilation is dropped: of those who wait for the same compilation,
    /// another one then begins it anew.
    pub(super) async fn stopped(&self, report: Report) -> Infallible {
        let Report { stdout: mut output, wall: time, .. } = report;
        cut_at_character(&mut output, TOOL_OUTPUT_BYTES);
        self.compiler.send_replace(Compiler::Stopped { output, time });
        pending().await
    }

    /// Waits until the request is told to stop and no compiler runs for it. Returns what is known then.
    pub(crate) async fn outcome(&self) -> Outcome {
        self.stop.cancelled().await;
        let mut compiler = self.compiler.subscribe();
        let last = compiler.wait_for(|compiler| !matches!(compiler, Compiler::Runs)).await;
        let (output, time) = match last.as_deref() {
            Ok(Compiler::Stopped { output, time }) => (output.clone(), *time),
            Ok(Compiler::Absent | Compiler::Runs) | Err(_) => (Vec::new(), self.began.elapsed()),
        };
        Outcome {
            facts: Facts { compile_time: Some(time), ..Facts::default() },
            output: Output { compile_output: Some(output), ..Output::default() },
        }
    }
}
