//! What one request may take, and all together: time, permits at work, memory for bodies and answers, and turns at a core.

mod answers;
mod cpu_slices;

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
use self::cpu_slices::CpuSlice;
use self::cpu_slices::CpuSlices;

pub(crate) use self::cpu_slices::CPU_SLICE;

/// How long a body may take to arrive; the time at work begins after it.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(20);

/// How many requests are at work at one time; those that wait for the end of an execution are not.
const AT_WORK: usize = 1024;

/// The most bytes of bodies that are held at one time; what is made of them takes about twice as much again.
const BODY_BYTES: usize = 128 * 1024 * 1024;

/// What all requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    time: Duration,
    permits: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
    answers: Answers,
    cpu_slices: CpuSlices,
}

tokio::task_local! {
    /// The admission of the request that is answered; none in tests of a single part.
    static ADMITTED: Admitted;
}

/// One admitted request; ends with the answer.
#[derive(Debug)]
struct Admitted {
    admission: Admission,
    end: watch::Sender<Instant>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    body: Option<OwnedSemaphorePermit>,
    had_slice: bool,
}

impl Admission {
    /// Lets each request be at work for `time`.
    pub(crate) fn new(time: Duration) -> Self {
        Self::with(time, AT_WORK, BODY_BYTES)
    }

    /// Returns one that lets each request take the same time, and any number of them at one time: those of operators have
    /// to be answered also when too many others are at work. They have no bodies.
    pub(crate) fn unlimited(&self) -> Self {
        Self::with(self.time, Semaphore::MAX_PERMITS, 0)
    }

    pub(crate) fn with(time: Duration, permits: usize, body_bytes: usize) -> Self {
        Self {
            time,
            permits: Arc::new(Semaphore::new(permits)),
            body_bytes: Arc::new(Semaphore::new(body_bytes.min(Semaphore::MAX_PERMITS))),
            answers: Answers::new(),
            cpu_slices: CpuSlices::new(),
        }
    }

    /// Lets a request in, unless too many are at work.
    fn enter(&self, wait_for_body: Duration) -> Result<Admitted, Problem> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| overloaded("too many requests are at work"))?;
        let (end, _) = watch::channel(Instant::now() + wait_for_body + self.time);
        Ok(Admitted {
            admission: self.clone(),
            end,
            held: Mutex::new(Held { permit: Some(permit), ..Held::default() }),
        })
    }
}

/// Makes room for some more bytes of the body.
///
/// # Errors
///
/// A problem when the bodies of all requests take too much already.
pub(crate) fn hold(bytes: usize) -> Result<(), Problem> {
    ADMITTED.try_with(|admitted| admitted.hold(bytes)).unwrap_or(Ok(()))
}

/// Waits for a CPU slice.
pub(crate) async fn cpu_slice() -> CpuSlice {
    match ADMITTED.try_with(|admitted| (admitted.admission.cpu_slices.clone(), admitted.has_had_slice())) {
        Ok((cpu_slices, false)) => cpu_slices.first().await,
        Ok((cpu_slices, true)) => cpu_slices.another().await,
        // Outside of an admission there are no limits.
        Err(_) => CpuSlice::default(),
    }
}

/// Begins the time at work: the body has arrived.
pub(crate) fn body_arrived() {
    with_admitted(|admitted| admitted.may_take(admitted.admission.time));
}

/// Lets the request take this long from now on, as its route says.
pub(crate) fn may_take(time: Duration) {
    with_admitted(|admitted| admitted.may_take(time));
}

/// Gives the permit at work to others for a wait, after which there is the time at work again, and so the memory of the
/// body, of which whoever waits keeps nothing.
pub(crate) fn wait(wait: Duration) {
    with_admitted(|admitted| {
        admitted.may_take(wait + admitted.admission.time);
        let mut held = admitted.held();
        (held.permit, held.body) = (None, None);
    });
}

fn with_admitted(change: impl FnOnce(&Admitted)) {
    // Outside of an admission there are no limits.
    ADMITTED.try_with(change).unwrap_or_default();
}

/// Lets a request in and answers 503 when it takes longer than it may; what it began to write is written all the same.
pub(crate) async fn limit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let wait_for_body = if request.body().is_end_stream() { Duration::ZERO } else { ARRIVAL };
    let only_reads = request.method().is_safe();
    let answers = admission.answers.clone();
    let admitted = match admission.enter(wait_for_body) {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    let end = admitted.end.subscribe();
    let answer = tokio::select! {
        biased;
        answer = ADMITTED.scope(admitted, next.run(request)) => answer,
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

impl Admitted {
    fn hold(&self, bytes: usize) -> Result<(), Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.admission.body_bytes).try_acquire_many_owned(bytes);
        let permit = permit.map_err(|_| overloaded("the bodies of all requests take too much memory"))?;
        let mut held = self.held();
        match &mut held.body {
            Some(body) => body.merge(permit),
            None => held.body = Some(permit),
        }
        Ok(())
    }

    /// Returns whether it had a CPU slice before, and notes that it has one.
    fn has_had_slice(&self) -> bool {
        mem::replace(&mut self.held().had_slice, true)
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
