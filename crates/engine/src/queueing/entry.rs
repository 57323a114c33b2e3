//! Entries of the queue for rows, and queueing a row again.

use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_queue::Entry;
use runbay_queue::Flow;
use runbay_queue::Lane;
use runbay_queue::Turn;
use runbay_shares::Client;
use runbay_shares::Share;
use runbay_store::ExecutionHead;

use crate::Engine;
use crate::outage::Part;

const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(30);

impl Engine {
    /// Announces that a row is queued again and tells the queue.
    pub(crate) async fn queue_again(&self, head: &ExecutionHead) {
        self.announce(head).await;
        self.note_push(self.queue().push(entry(head)).await);
    }

    /// Records whether a push worked. A row that could not be pushed waits for the next sweep.
    pub(crate) fn note_push(&self, pushed: Result<(), runbay_queue::QueueError>) {
        match pushed {
            Ok(()) => self.outages().answered(Part::Queue),
            Err(error) => self.outages().failed(Part::Queue, &error),
        }
    }
}

/// Returns the queue's entry for a queued row. The row keeps its turn over all retries.
///
/// The entry waits no longer than any retry does, because the clock of the process that wrote its time may be ahead.
pub(crate) fn entry(head: &ExecutionHead) -> Entry {
    Entry {
        execution: head.id,
        flow: flow(head),
        lane: lane(head),
        priority: head.priority,
        turn: turn(head),
        not_before: head.available_at.map(|at| at.min(Timestamp::now().after(LONGEST_RETRY_DELAY))),
    }
}

/// Returns the lane of an execution.
pub(crate) fn lane(head: &ExecutionHead) -> Lane {
    if head.is_interactive { Lane::interactive(&head.language) } else { Lane::batch(&head.language) }
}

/// Returns the turn of an earlier attempt. A row without a stored turn comes first.
fn turn(head: &ExecutionHead) -> Option<Turn> {
    let was_claimed = head.state.attempt() > Attempt::default();
    was_claimed.then(|| Turn::new(head.queue_turn.unwrap_or(0.0))).flatten()
}

/// Returns the flow of an execution.
///
/// Tenants share the queue. Where there is only one tenant, its sessions share it, and all one-shot executions are one
/// flow.
fn flow(head: &ExecutionHead) -> Flow {
    if head.tenant != TenantId::default() {
        return Flow::new(format!("tenant {}", head.tenant.as_str()));
    }
    match head.session {
        Some(session) => Flow::new(format!("session {session}")),
        None => Flow::new("one-shots"),
    }
}

/// How many flows the sessions of a bulk client are.
const BULK_FLOWS: u128 = 16;

/// Returns the flow of an execution of a client, so that no client comes first by the number of its sessions.
///
/// A bulk client passes on the requests of many, and its one-shot executions do not hold up their sessions.
pub(crate) fn flow_of_client(client: Client, head: &ExecutionHead) -> Flow {
    if head.tenant != TenantId::default() {
        return flow(head);
    }
    match (client.share(), head.session) {
        (Share::Ordinary, _) => Flow::new(client.to_string()),
        (Share::Bulk, Some(session)) => Flow::new(format!("{client} {}", session.as_uuid().as_u128() % BULK_FLOWS)),
        (Share::Bulk, None) => Flow::new(format!("{client} one-shots")),
    }
}

/// Returns how long to wait after an attempt was lost.
///
/// The wait doubles with each loss. Up to half of it is random, so that executions that were lost together do not come
/// back together.
pub(crate) fn retry_delay(base: Duration, lost: Attempt) -> Duration {
    let doublings = lost.0.saturating_sub(1).min(16);
    let longest = base.saturating_mul(1 << doublings).min(LONGEST_RETRY_DELAY);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use runbay_model::ExecutionId;
    use runbay_model::LanguageId;
    use runbay_model::Priority;
    use runbay_model::SessionId;
    use runbay_model::State;

    use super::*;

    fn head(tenant: TenantId, session: Option<SessionId>) -> ExecutionHead {
        ExecutionHead {
            id: ExecutionId::random(),
            tenant,
            session,
            session_version: None,
            worker: None,
            language: LanguageId::new("python"),
            priority: Priority::Low,
            is_interactive: false,
            queue_turn: None,
            state: State::ACCEPTED,
            attempts_returned: 0,
            available_at: None,
            created_at: Timestamp::from_micros(1),
            queued_at: Timestamp::from_micros(1),
            started_at: None,
            completed_at: None,
        }
    }

    #[test]
    fn tenants_share_the_queue_and_so_do_the_sessions_of_the_only_one() {
        let (one, other) = (Some(SessionId::random()), Some(SessionId::random()));
        let flow = |tenant: &str, session| entry(&head(TenantId::new(tenant), session)).flow;
        assert_eq!(flow("a", one), flow("a", None));
        assert_ne!(flow("a", one), flow("b", one));
        let alone = |session| entry(&head(TenantId::default(), session)).flow;
        assert_ne!(alone(one), alone(other));
        assert_ne!(alone(one), alone(None));
        assert_eq!(alone(None), alone(None));
        assert_ne!(alone(None), flow("one-shots", None));
    }

    #[test]
    fn only_what_was_claimed_before_has_a_place() {
        let new = head(TenantId::default(), None);
        assert_eq!((entry(&new).turn, entry(&new).priority), (None, Priority::Low));
        let claimed = ExecutionHead { state: State::Queued { previous: Attempt(1) }, ..new };
        assert_eq!(entry(&claimed).turn, Turn::new(0.0), "a row of a former version");
        let with_turn = ExecutionHead { queue_turn: Some(7.25), ..claimed };
        assert_eq!(entry(&with_turn).turn, Turn::new(7.25));
    }

    #[test]
    fn a_clock_that_is_ahead_delays_no_retry_for_long() {
        let now = Timestamp::now();
        let not_before = |available_at| {
            let head = ExecutionHead { available_at, ..head(TenantId::default(), None) };
            entry(&head).not_before
        };
        let soon = now.after(Duration::from_secs(3));
        assert_eq!([not_before(None), not_before(Some(soon))], [None, Some(soon)]);
        let capped = not_before(Some(now.after(Duration::from_secs(31 * 24 * 3_600)))).unwrap();
        assert!(capped >= now.after(LONGEST_RETRY_DELAY) && capped <= Timestamp::now().after(LONGEST_RETRY_DELAY));
    }

    #[test]
    fn the_delay_doubles_and_has_an_end() {
        let base = Duration::from_millis(100);
        for (attempt, longest) in [(1, 100), (2, 200), (3, 400), (4, 800), (40, 30_000)] {
            let longest = Duration::from_millis(longest);
            let delay = retry_delay(base, Attempt(attempt));
            assert!(delay >= longest / 2 && delay < longest, "{delay:?} after attempt {attempt}");
        }
        assert_eq!(retry_delay(Duration::ZERO, Attempt(1)), Duration::ZERO);
    }
}
