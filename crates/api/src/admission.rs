//! What one request may take, and what all of them together: time, places to work and to wait, memory for bodies and
//! answers, and slices of CPU time.
//!
//! Clients share all but the time and the slices: see [`runbay_shares`]. A place to work is taken once the body is there.

mod answers;
mod arrivals;
mod cpu_slices;

use std::future::pending;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::extract::State;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_shares::Client;
use runbay_shares::Held as HeldShare;
use runbay_shares::NoRoom;
use runbay_shares::Shares;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;

use crate::client_address::ClientAddress;
use crate::clients::Clients;
use crate::clients::nowhere;
use crate::problem::Code;
use crate::problem::Problem;

use self::answers::Answers;
use self::arrivals::Arrival;
use self::arrivals::Arrivals;
use self::cpu_slices::CpuSlice;
use self::cpu_slices::CpuSlices;

pub(crate) use self::cpu_slices::CPU_SLICE;

/// The time that a body has to arrive; the time to work begins after it.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(20);

/// How many requests, and how much of them, are there at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most requests that work; those that wait for their bodies or for the end of an execution do not count.
    pub(crate) working: u64,
    /// The most requests that wait for the end of an execution.
    pub(crate) waiting: u64,
    /// The most bodies that are on their way.
    pub(crate) arriving: u64,
    /// The most bytes of bodies; the values read from them take about twice as much again.
    pub(crate) body_bytes: u64,
}

impl Bounds {
    /// Lets as many requests wait as there are connections.
    pub(crate) fn of(connections: usize) -> Self {
        let waiting = u64::try_from(connections).unwrap_or(u64::MAX);
        Self { working: 1024, waiting, arriving: 1024, body_bytes: 128 * 1024 * 1024 }
    }
}

/// How often a body waits for others of the same client to give way, and how long each time.
const TRIES_FOR_ROOM: u32 = 10;
const PAUSE_FOR_ROOM: Duration = Duration::from_millis(20);

/// The limits that requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    time: Duration,
    /// Whether its routes are those for operators, who are answered in every flood.
    is_for_operators: bool,
    clients: Arc<Clients>,
    working: Shares,
    waiting: Shares,
    arrivals: Arrivals,
    body_bytes: Shares,
    answers: Answers,
    cpu_slices: CpuSlices,
}

tokio::task_local! {
    /// The request that is being answered; absent in tests of a single part, which have no limits.
    static ADMITTED: Admitted;
}

/// A request that was let in, until it is answered.
#[derive(Debug)]
struct Admitted {
    admission: Admission,
    client: Client,
    deadline: watch::Sender<Instant>,
    held: Mutex<Held>,
}

/// What a request holds of the limits.
#[derive(Debug, Default)]
struct Held {
    /// The body that is on its way.
    arrival: Option<Arrival>,
    /// The place to work.
    work: Option<HeldShare>,
    /// The place to wait for the end of an execution.
    wait: Option<HeldShare>,
    /// The memory of the body.
    body: Option<HeldShare>,
    /// Whether it has had a CPU slice.
    had_slice: bool,
}

impl Admission {
    /// Gives each request `time` to work.
    pub(crate) fn new(time: Duration, bounds: Bounds, clients: Arc<Clients>) -> Self {
        Self {
            time,
            is_for_operators: false,
            clients,
            working: Shares::of(bounds.working),
            waiting: Shares::of(bounds.waiting),
            arrivals: Arrivals::at_most(bounds.arriving),
            body_bytes: Shares::of(bounds.body_bytes),
            answers: Answers::new(),
            cpu_slices: CpuSlices::new(),
        }
    }

    /// Gives each request the same time, and lets any number of them work at one time, without bodies.
    ///
    /// Operators have to be answered also when too many other requests are at work.
    pub(crate) fn unlimited(&self) -> Self {
        let bounds = Bounds { working: u64::MAX, waiting: 0, arriving: 64, body_bytes: 0 };
        Self { is_for_operators: true, ..Self::new(self.time, bounds, Arc::clone(&self.clients)) }
    }

    /// Returns the client of a request.
    fn client(&self, request: &Request) -> Client {
        let peer = request.extensions().get::<ClientAddress>().map_or_else(nowhere, |client| client.0);
        self.clients.of_request(peer, request.headers())
    }

    /// Lets a request in: to work, or to wait for its body first.
    fn enter(&self, client: Client, waits_for_body: bool) -> Result<Admitted, Problem> {
        let time = if waits_for_body { ARRIVAL + self.time } else { self.time };
        let (deadline, _) = watch::channel(Instant::now() + time);
        let admitted = Admitted { admission: self.clone(), client, deadline, held: Mutex::default() };
        if waits_for_body {
            admitted.held().arrival = Some(self.arrivals.begin(client));
        } else {
            admitted.work()?;
        }
        Ok(admitted)
    }
}

/// Takes memory for some more bytes of the body. Other bodies of the same client that have been on their way for longer
/// give way.
///
/// # Errors
///
/// A problem when the bodies of all requests together, or of the client, are too large already.
pub(crate) async fn hold(bytes: usize) -> Result<(), Problem> {
    let mut tries = 0;
    loop {
        let held = ADMITTED.try_with(|admitted| admitted.hold(bytes)).unwrap_or(Ok(()));
        let Err(reason) = held else { return Ok(()) };
        let may_come = tries < TRIES_FOR_ROOM && ADMITTED.try_with(Admitted::make_room).unwrap_or(false);
        if !may_come {
            return ADMITTED.try_with(|admitted| Err(admitted.no_memory(reason))).unwrap_or(Ok(()));
        }
        tries += 1;
        sleep(PAUSE_FOR_ROOM).await;
    }
}

/// Waits until the body has to give way to others of the same client.
pub(crate) async fn displaced() {
    let displaced = ADMITTED.try_with(|admitted| admitted.held().arrival.as_ref().map(|body| body.displaced.clone()));
    match displaced {
        Ok(Some(displaced)) => displaced.cancelled().await,
        Ok(None) | Err(_) => pending().await,
    }
}

/// Says that a request came on a spare connection, on which only operators are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnSpareConnection;

/// Waits for a CPU slice.
pub(crate) async fn cpu_slice() -> CpuSlice {
    match ADMITTED.try_with(|admitted| (admitted.admission.cpu_slices.clone(), admitted.has_had_slice())) {
        Ok((cpu_slices, false)) => cpu_slices.first().await,
        Ok((cpu_slices, true)) => cpu_slices.another().await,
        // Without an admitted request there are no limits.
        Err(_) => CpuSlice::default(),
    }
}

/// Begins the time to work, as the body has arrived.
///
/// # Errors
///
/// A problem when too many requests are at work, or too many of the client.
pub(crate) fn body_arrived() -> Result<(), Problem> {
    let arrived = ADMITTED.try_with(|admitted| {
        admitted.may_take(admitted.admission.time);
        admitted.held().arrival = None;
        admitted.work()
    });
    arrived.unwrap_or(Ok(()))
}

/// Sets the time that the request may still take, which depends on its route.
pub(crate) fn may_take(time: Duration) {
    with_admitted(|admitted| admitted.may_take(time));
}

/// Takes a place to wait, gives back the one to work and the memory of the body, and adds the wait to its time.
///
/// # Errors
///
/// A problem when as many requests wait as may, or as many of the client.
pub(crate) fn wait(wait: Duration) -> Result<(), Problem> {
    ADMITTED.try_with(|admitted| admitted.wait(wait)).unwrap_or(Ok(()))
}

/// What an answer holds that is sent piece by piece: a place to wait, and memory for what is ready to be sent.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    _wait: Option<HeldShare>,
    /// None without limits.
    answers: Option<(Answers, Client)>,
    memory: Option<HeldShare>,
}

/// Takes a place to wait for as long as an answer is sent, and gives back the one to work.
///
/// # Errors
///
/// A problem when as many requests wait as may, or as many of the client.
pub(crate) fn stream() -> Result<StreamPlace, Problem> {
    wait(Duration::ZERO)?;
    let taken = ADMITTED
        .try_with(|admitted| (admitted.held().wait.take(), (admitted.admission.answers.clone(), admitted.client)));
    let (wait, answers) = taken.map_or((None, None), |(wait, answers)| (wait, Some(answers)));
    Ok(StreamPlace { _wait: wait, answers, memory: None })
}

impl StreamPlace {
    /// Holds memory for this many bytes instead of those before; returns whether there is room for them.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        self.memory = None;
        let Some((answers, client)) = &self.answers else { return true };
        match answers.take(*client, u64::try_from(bytes).unwrap_or(u64::MAX)) {
            Ok(memory) => {
                self.memory = memory;
                true
            }
            Err(NoRoom::Full | NoRoom::Share { .. }) => false,
        }
    }
}

fn with_admitted(change: impl FnOnce(&Admitted)) {
    // Without an admitted request there are no limits.
    ADMITTED.try_with(change).unwrap_or_default();
}

/// Lets a request in, and answers 503 when it takes longer than it may.
///
/// CANCEL: a request that is late is dropped; what it began to write is written all the same.
pub(crate) async fn limit(State(admission): State<Admission>, mut request: Request, next: Next) -> Response {
    // Only these methods have routes that read a body.
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let waits_for_body = has_body && !request.body().is_end_stream();
    let client = admission.client(&request);
    request.extensions_mut().insert(client);
    let only_reads = request.method().is_safe();
    let answers = admission.answers.clone();
    if !admission.is_for_operators && request.extensions().get::<OnSpareConnection>().is_some() {
        return no_connection(client).into_response();
    }
    let admitted = match admission.enter(client, waits_for_body) {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    let deadline = admitted.deadline.subscribe();
    let answer = tokio::select! {
        biased;
        answer = ADMITTED.scope(admitted, next.run(request)) => answer,
        () = passed(deadline) => return Problem::new(Code::Timeout).cause("not answered in time").into_response(),
    };
    // The answers of other methods tell what has happened; in place of them an error would make clients do it again.
    if only_reads { answers.hold(client, answer).await } else { answer }
}

/// Waits until the deadline has passed, which may move meanwhile.
async fn passed(mut deadline: watch::Receiver<Instant>) {
    loop {
        let next = *deadline.borrow_and_update();
        tokio::select! {
            () = sleep_until(next) => return,
            Ok(()) = deadline.changed() => {}
        }
    }
}

impl Admitted {
    /// Takes a place to work.
    fn work(&self) -> Result<(), Problem> {
        let work = self.admission.working.take(self.client, 1);
        let work = work.map_err(|reason| self.refused(reason, "requests at work", "too many requests are at work"))?;
        self.held().work = Some(work);
        Ok(())
    }

    /// Takes a place to wait in exchange for the one to work; a later wait of the same request needs no other.
    fn wait(&self, wait: Duration) -> Result<(), Problem> {
        let mut held = self.held();
        if held.wait.is_none() {
            let place = self.admission.waiting.take(self.client, 1);
            let full = "too many requests wait for the end of an execution";
            let place = place.map_err(|reason| self.refused(reason, "requests that wait", full))?;
            held.wait = Some(place);
        }
        (held.work, held.body) = (None, None);
        drop(held);
        self.may_take(wait + self.admission.time);
        Ok(())
    }

    fn hold(&self, bytes: usize) -> Result<(), NoRoom> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut held = self.held();
        match &mut held.body {
            Some(body) => body.grow(bytes),
            None => {
                held.body = Some(self.admission.body_bytes.take(self.client, bytes)?);
                Ok(())
            }
        }
    }

    /// Lets an older body of the same client give way; returns whether there was one.
    fn make_room(&self) -> bool {
        self.held().arrival.as_ref().is_some_and(|body| self.admission.arrivals.make_room(body))
    }

    fn no_memory(&self, reason: NoRoom) -> Problem {
        self.refused(reason, "bytes of bodies", "the bodies of all requests take too much memory")
    }

    /// Makes the problem for something of which the client gets no more.
    fn refused(&self, reason: NoRoom, what: &str, full: &str) -> Problem {
        match reason {
            NoRoom::Full => Problem::new(Code::Overloaded).cause(full),
            NoRoom::Share { held, whole } => Problem::of_share(self.client, what, held, whole),
        }
    }

    /// Returns whether the request has had a CPU slice before, and notes that it gets one.
    fn has_had_slice(&self) -> bool {
        mem::replace(&mut self.held().had_slice, true)
    }

    fn may_take(&self, time: Duration) {
        self.deadline.send_replace(Instant::now() + time);
    }

    /// Locks what is held; nothing panics while it is locked, so poison means nothing.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_connection(client: Client) -> Problem {
    Problem::new(Code::ClientShare).detail(format!(
        "This client ({client}) has its share of the connections, and a request is answered on each of them. Send the \
         next when one has ended."
    ))
}

#[cfg(test)]
mod tests;
