//! The events of an execution that has ended, made from its row.

use std::sync::Arc;

use runbay_events::OutputStream;
use runbay_model::ExecutionReport;
use runbay_model::Output;
use runbay_model::Timestamp;

use super::broadcast::incomplete;
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
    for (stream, bytes) in [(OutputStream::Stdout, &output.stdout), (OutputStream::Stderr, &output.stderr)] {
        tell_pieces(stream, bytes, told);
    }
    for (index, result) in output.tests.iter().flatten().enumerate() {
        told.push(Told::Test { index, result: Arc::new(result.clone()) });
    }
}

/// Adds pieces that end with whole characters.
fn tell_pieces(stream: OutputStream, mut bytes: &[u8], told: &mut Vec<Told>) {
    while !bytes.is_empty() {
        let most = bytes.len().min(PIECE_BYTES);
        let end = if most < bytes.len() { most - incomplete(&bytes[..most]) } else { most };
        let (piece, rest) = bytes.split_at(end);
        told.push(Told::Output { stream, data: piece.into() });
        bytes = rest;
    }
}
