//! What one request may take, and all together: time, places at work, memory for bodies and answers, and turns at a core.

mod answers;
mod turns;

use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::problem::Code;
use crate::problem::Problem;

use self::answers::Answers;
use self::turns::Turn;
use self::turns::Turns;

pub(crate) use self::turns::TURN;

/// How long a body may take to arrive; the time at work begins after it.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(20);

/// How many requests are at work at one time; those that wait for the end of an execution are not.
const AT_WORK: usize = 1024;

/// The most bytes of bodies that are held at one time; what is made of them takes about twice as much again.
const BODY_BYTES: usize = 128 * 1024 * 1024;

/// What all requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct House {
    time: Duration,
    places: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
    answers: Answers,
    turns: Turns,
}

tokio::task_local! {
    /// The stay of the request that is answered; none in tests of a single part.
    static STAY: Stay;
}

/// One request's part of it, which ends with the answer.
#[derive(Debug)]
struct Stay {
    house: House,
    end: watch::Sender<Instant>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    place: Option<OwnedSemaphorePermit>,
    body: Option<OwnedSemaphorePermit>,
    had_turn: bool,
}

impl House {
    /// Lets each request be at work for `time`.
    pub(crate) fn new(time: Duration) -> Self {
        Self::with(time, AT_WORK, BODY_BYTES)
    }

    /// Returns one that lets each request take the same time, and any number of them at one time: those of operators have
    /// to be answered also when too many others are at work. They have no bodies.
    pub(crate) fn open(&self) -> Self {
        Self::with(self.time, Semaphore::MAX_PERMITS, 0)
    }

    pub(crate) fn with(time: Duration, places: usize, body_bytes: usize) -> Self {
        Self {
            time,
            places: Arc::new(Semaphore::new(places)),
            body_bytes: Arc::new(Semaphore::new(body_bytes.min(Semaphore::MAX_PERMITS))),
            answers: Answers::new(),
            turns: Turns::new(),
        }
    }

    /// Lets a request in, unless too many are at work.
    fn enter(&self, wait_for_body: Duration) -> Result<Stay, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| overloaded("too many requests are at work"))?;
        let (end, _) = watch::channel(Instant::now() + wait_for_body + self.time);
        Ok(Stay { house: self.clone(), end, held: Mutex::new(Held { place: Some(place), ..Held::default() }) })
    }
}

/// Makes room for some more bytes of the body.
///
/// # Errors
///
/// A problem when the bodies of all requests take too much already.
pub(crate) fn hold(bytes: usize) -> Result<(), Problem> {
    STAY.try_with(|stay| stay.hold(bytes)).unwrap_or(Ok(()))
}

/// Waits for a turn of this request at a core.
pub(crate) async fn turn() -> Turn {
    match STAY.try_with(|stay| (stay.house.turns.clone(), stay.has_had_turn())) {
        Ok((turns, false)) => turns.first().await,
        Ok((turns, true)) => turns.another().await,
        // Without a stay there are no limits.
        Err(_) => Turn::default(),
    }
}

/// Begins the time at work: the body has arrived.
pub(crate) fn body_arrived() {
    with_stay(|stay| stay.may_take(stay.house.time));
}

/// Lets the request take this long from now on, as its route says.
pub(crate) fn may_take(time: Duration) {
    with_stay(|stay| stay.may_take(time));
}

/// Gives the place at work to others for a wait, after which there is the time at work again, and so the memory of the
/// body, of which whoever waits keeps nothing.
pub(crate) fn wait(wait: Duration) {
    with_stay(|stay| {
        stay.may_take(wait + stay.house.time);
        let mut held = stay.held();
        (held.place, held.body) = (None, None);
    });
}

fn with_stay(change: impl FnOnce(&Stay)) {
    // Without a stay there are no limits.
    STAY.try_with(change).unwrap_or_default();
}

/// Lets a request in and answers 503 when it takes longer than it may; what it began to write is written all the same.
pub(crate) async fn limit(State(house): State<House>, request: Request, next: Next) -> Response {
    let wait_for_body = if request.body().is_end_stream() { Duration::ZERO } else { ARRIVAL };
    let only_reads = request.method().is_safe();
    let answers = house.answers.clone();
    let stay = match house.enter(wait_for_body) {
        Ok(stay) => stay,
        Err(problem) => return problem.into_response(),
    };
    let end = stay.end.subscribe();
    let answer = tokio::select! {
        biased;
        answer = STAY.scope(stay, next.run(request)) => answer,
        () = over(end) => return Problem::new(Code::Timeout).cause("not answered in time").into_response(),
    };
    // What others tell has happened, and whoever got an error would do it once more.
    if only_reads { answers.hold(answer).await } else { answer }
}

/// Waits until the time is over, which may be put off meanwhile.
async fn over(mut end: watch::Receiver<Instant>) {
    loop {
        let next = *end.borrow_and_update();
        tokio::select! {
            () = sleep_until(next) => return,
            Ok(()) = end.changed() => {}
        }
    }
}

impl Stay {
    fn hold(&self, bytes: usize) -> Result<(), Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.house.body_bytes).try_acquire_many_owned(bytes);
        let permit = permit.map_err(|_| overloaded("the bodies of all requests take too much memory"))?;
        let mut held = self.held();
        match &mut held.body {
            Some(body) => body.merge(permit),
            None => held.body = Some(permit),
        }
        Ok(())
    }

    /// Returns whether it had a turn, and has had one from now on.
    fn has_had_turn(&self) -> bool {
        mem::replace(&mut self.held().had_turn, true)
    }

    fn may_take(&self, time: Duration) {
        self.end.send_replace(Instant::now() + time);
    }

    /// Nothing that can panic happens while it is locked.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn overloaded(cause: &str) -> Problem {
    Problem::new(Code::Overloaded).cause(cause)
}

#[cfg(test)]
mod tests;
