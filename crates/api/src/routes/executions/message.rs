//! Messages of executions that ended without a result of their program. The runner writes all others.

use runbay_model::End;
use runbay_model::Loss;
use runbay_model::State;

/// Returns one plain sentence for people. Returns none before the end of the execution and when its program has a
/// result.
pub(super) const fn message(state: State) -> Option<&'static str> {
    let State::Ended { end, .. } = state else {
        return None;
    };
    match end {
        End::Judged(_) => None,
        End::Lost(Loss::WorkerLost) => {
            Some("The worker that ran the program was lost each time, so there is no result.")
        }
        End::Lost(Loss::InternalError) => {
            Some("The service could not run the program; this is not the fault of the code.")
        }
        End::Cancelled => Some("The execution was cancelled before it ended."),
    }
}
