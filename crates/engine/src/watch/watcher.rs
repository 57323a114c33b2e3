//! The events of one execution as one watcher gets them.
//!
//! They come from the bus while it has them, and from the row when it does not. A watcher reads the events of the bus
//! from the first one on and passes over those that its client has, so it knows how much output the client has. If that
//! is not all when the execution ends, the whole output follows.

use std::collections::VecDeque;
use std::time::Duration;

use runbay_events::Event;
use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use tokio::time::sleep;
use tokio::time::timeout;

use super::replay::replay;
use super::told::Received;
use super::told::Told;
use super::told::ToldEvent;
use crate::Engine;
use crate::ReadError;
use crate::outage::Part;

/// The time between two looks at the row while no event comes. The process that should publish the last one may have
/// died.
const LOOK: Duration = Duration::from_secs(15);

/// The pause between two looks at the row while the bus does not answer.
const BLIND_LOOK: Duration = Duration::from_secs(1);

/// How long the bus may take to bring an event that it should have already.
const OVERDUE: Duration = Duration::from_millis(500);

/// How long after its end an execution is looked for on the bus.
const KEPT_AFTER_END: Duration = Duration::from_secs(60);

/// Brings the events of one execution to one client.
pub struct Watcher {
    engine: Engine,
    tenant: TenantId,
    execution: ExecutionId,
    subscription: Option<Box<dyn Subscription>>,
    /// The number of the newest event that the client has.
    seen: u64,
    /// The number of the newest event that was read from the subscription.
    position: u64,
    /// The newest attempt that is known.
    attempt: Attempt,
    received: Received,
    /// Whether this watcher has brought anything yet.
    has_begun: bool,
    takes_input: bool,
    is_ended: bool,
    is_over: bool,
    due: VecDeque<ToldEvent>,
    /// An event of the bus that is being taken. It stays here when that is interrupted.
    in_hand: Option<Event>,
}

/// What a subscription brings.
enum Heard {
    Event(Event),
    /// It brings nothing more: the bus has forgotten the execution.
    Over,
    /// The bus is away.
    Away,
    /// Nothing for a while.
    Nothing,
}

impl Engine {
    /// Begins to watch an execution, after event number `after` of an earlier watcher if there was one.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn watch(
        &self,
        tenant: &TenantId,
        execution: ExecutionId,
        after: Option<u64>,
    ) -> Result<Watcher, ReadError> {
        let subscription = self.subscription(execution).await;
        // After the subscription, so that an earlier end is in the row and a later one among the events.
        let head = self.execution_head(tenant, execution).await?;
        let mut watcher = Watcher {
            engine: self.clone(),
            tenant: tenant.clone(),
            execution,
            subscription,
            // A client may say anything.
            seen: after.unwrap_or(0).min(Event::first_id_from_row(Attempt(u32::MAX))),
            position: 0,
            attempt: head.state.attempt(),
            received: Received::default(),
            has_begun: false,
            takes_input: head.is_interactive,
            is_ended: head.state.is_ended(),
            is_over: false,
            due: VecDeque::new(),
            in_hand: None,
        };
        let is_old = head.completed_at.is_some_and(|ended| Timestamp::now().since(ended) > KEPT_AFTER_END);
        let is_read_from_row = watcher.seen >= Event::first_id_from_row(watcher.attempt);
        if watcher.is_ended && (is_old || is_read_from_row) {
            watcher.replay().await?;
        }
        Ok(watcher)
    }
}

impl Watcher {
    /// Returns whether the execution was started so that a person can take part.
    #[must_use]
    pub fn takes_input(&self) -> bool {
        self.takes_input
    }

    /// Waits for the next event. Returns none after [`Told::Result`] and [`Told::TooSlow`].
    ///
    /// CANCEL: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the execution was erased or the database does not answer. The watcher is of no use then.
    pub async fn next(&mut self) -> Result<Option<ToldEvent>, ReadError> {
        loop {
            if let Some(event) = self.due.pop_front() {
                self.seen = event.id;
                self.has_begun = true;
                return Ok(Some(event));
            }
            if self.is_over {
                return Ok(None);
            }
            if let Some(event) = self.in_hand.clone() {
                self.take(event).await?;
                self.in_hand = None;
                continue;
            }
            match self.hear().await {
                Heard::Event(event) => self.in_hand = Some(event),
                Heard::Over => {
                    self.look().await?;
                    self.begin_again(true).await;
                }
                // The bus has the events of an execution that goes on, but not those that the client has seen.
                Heard::Nothing if self.position < self.seen && !self.is_ended => self.begin_again(true).await,
                Heard::Nothing => self.look().await?,
                Heard::Away => {
                    sleep(BLIND_LOOK).await;
                    self.look().await?;
                    self.begin_again(false).await;
                }
            }
        }
    }

    /// Returns about how many bytes of memory the events take that are ready to be brought. A watcher has many only at the
    /// end.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.due.iter().map(|event| event.told.bytes()).sum()
    }

    async fn hear(&mut self) -> Heard {
        let is_overdue = self.is_ended || self.position < self.seen;
        let patience = if is_overdue { OVERDUE } else { LOOK };
        let Some(subscription) = &mut self.subscription else { return Heard::Away };
        match timeout(patience, subscription.next()).await {
            Ok(Ok(Some(event))) => Heard::Event(event),
            Ok(Ok(None)) => Heard::Over,
            Ok(Err(error)) => {
                self.engine.outages().failed(Part::Events, &error);
                Heard::Away
            }
            Err(_) => Heard::Nothing,
        }
    }

    /// Takes an event of the bus.
    async fn take(&mut self, event: Event) -> Result<(), ReadError> {
        let Event { id, kind } = event;
        let has_followed = self.has_begun && self.position > 0;
        if self.position == 0 && !matches!(kind, EventKind::Status { .. } | EventKind::Reset { .. }) {
            // The bus has forgotten what came before. It gives numbers again, under which the client may have something
            // else.
            self.received = Received::unknown();
        }
        self.position = id;
        let told = match kind {
            EventKind::Result => return self.finish(id).await,
            EventKind::Reset { attempt } if attempt <= self.attempt && id != Event::first_id(attempt) => {
                // Not of a worker: events were dropped that come before those that follow.
                self.received = Received::unknown();
                if has_followed {
                    self.is_over = true;
                    self.due.push_back(ToldEvent { id: self.seen, told: Told::TooSlow });
                    return Ok(());
                }
                Told::Reset { attempt }
            }
            EventKind::Reset { attempt } => {
                self.attempt = self.attempt.max(attempt);
                self.received = Received::default();
                Told::Reset { attempt }
            }
            EventKind::Status { status, attempt, at } => {
                self.attempt = self.attempt.max(attempt);
                Told::Status { status, attempt, at }
            }
            EventKind::Output { stream, data, .. } => Told::Output { stream, data },
            EventKind::Test { index, result, .. } => Told::Test { index, result },
        };
        self.received.note(&told);
        if id > self.seen {
            self.due.push_back(ToldEvent { id, told });
        }
        Ok(())
    }

    /// Brings the result, after the whole output if the client does not have all of it.
    async fn finish(&mut self, id: u64) -> Result<(), ReadError> {
        let report = self.engine.report(&self.tenant, self.execution).await?;
        // A client with a larger number has it from the row, or from a bus that has forgotten it. What it has is not known.
        let is_known = self.seen <= id;
        if report.summary.state.is_ended() && is_known && self.received.is_all_of(&report) {
            self.is_over = true;
            self.due.push_back(ToldEvent { id, told: Told::Result(Box::new(report)) });
            return Ok(());
        }
        self.replay_report(report);
        Ok(())
    }

    /// Looks at the row, and brings everything from there if the execution has ended.
    async fn look(&mut self) -> Result<(), ReadError> {
        if self.is_ended || self.engine.execution_head(&self.tenant, self.execution).await?.state.is_ended() {
            self.replay().await?;
            // Whoever else waits learns of it as well.
            self.engine.publish_result(self.execution).await;
        }
        Ok(())
    }

    async fn replay(&mut self) -> Result<(), ReadError> {
        let report = self.engine.report(&self.tenant, self.execution).await?;
        self.replay_report(report);
        Ok(())
    }

    fn replay_report(&mut self, report: ExecutionReport) {
        if !report.summary.state.is_ended() {
            return;
        }
        self.is_over = true;
        // Numbers that the bus did not give, so that a client who comes back in the middle is known.
        let first = Event::first_id_from_row(report.summary.state.attempt()).max(self.seen + 1);
        let told = replay(report, self.seen > 0);
        self.due.extend((first..).zip(told).map(|(id, told)| ToldEvent { id, told }));
    }

    /// Subscribes anew. With `void` the client is told to drop what it has, since the bus begins anew as well.
    async fn begin_again(&mut self, void: bool) {
        if self.is_over {
            return;
        }
        self.position = 0;
        self.received = Received::default();
        if void {
            self.received = Received::unknown();
            if self.seen > 0 {
                self.due.push_back(ToldEvent { id: 0, told: Told::Reset { attempt: self.attempt } });
            }
            // An execution that the bus has forgotten may be forgotten again.
            sleep(OVERDUE).await;
        }
        self.subscription = self.engine.subscription(self.execution).await;
    }
}
