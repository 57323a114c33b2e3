//! The events of an execution that has ended, made from its row.

use std::sync::Arc;

use runbay_events::OutputStream;
use runbay_model::ExecutionReport;
use runbay_model::Output;
use runbay_model::Timestamp;

use super::broadcast::Characters;
use super::told::Told;

/// The most bytes of output in one event.
const PIECE_BYTES: usize = 32 * 1024;

/// Returns all events of an ended execution; the first of them is a reset if the client has any.
pub(super) fn replay(report: ExecutionReport, with_reset: bool) -> Vec<Told> {
    let state = report.summary.state;
    let attempt = state.attempt();
    let at = report.summary.completed_at.unwrap_or_else(Timestamp::now);
    let mut told = Vec::new();
    if with_reset {
        told.push(Told::Reset { attempt });
    }
    if let Some(output) = &report.output {
        tell_output(output, &mut told);
    }
    told.push(Told::Status { status: state.status(), attempt, at });
    told.push(Told::Result(Box::new(report)));
    told
}

fn tell_output(output: &Output, told: &mut Vec<Told>) {
    let (mut stdout, mut stderr) = (Characters::default(), Characters::default());
    let mut tell = |stream, data: Vec<u8>| {
        if !data.is_empty() {
            told.push(Told::Output { stream, data: data.into() });
        }
    };
    for (stream, range) in output.order.pieces(output.stdout.len(), output.stderr.len()) {
        let (bytes, characters) = match stream {
            OutputStream::Stdout => (&output.stdout, &mut stdout),
            OutputStream::Stderr => (&output.stderr, &mut stderr),
        };
        for piece in bytes[range].chunks(PIECE_BYTES) {
            tell(stream, characters.whole(piece.to_vec()));
        }
    }
    tell(OutputStream::Stdout, stdout.rest());
    tell(OutputStream::Stderr, stderr.rest());
    for (index, result) in output.tests.iter().flatten().enumerate() {
        told.push(Told::Test { index, result: Arc::new(result.clone()) });
    }
}
