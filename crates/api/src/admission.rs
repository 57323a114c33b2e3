//! What one request may take, and what all of them together: time, permits to work, memory for bodies and answers, and
//! slices of CPU time.

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

/// The time that a body has to arrive; the time to work begins after it.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(20);

/// The most requests that work at one time; those that wait for the end of an execution do not count.
const MAX_WORKING: usize = 1024;

/// The most bytes of bodies that are held at one time; the values read from them take about twice as much again.
const MAX_BODY_BYTES: usize = 128 * 1024 * 1024;

/// The limits that requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    time: Duration,
    permits: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
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
    deadline: watch::Sender<Instant>,
    held: Mutex<Held>,
}

/// What a request holds of the limits.
#[derive(Debug, Default)]
struct Held {
    /// The permit to work.
    permit: Option<OwnedSemaphorePermit>,
    /// The memory of the body.
    body: Option<OwnedSemaphorePermit>,
    /// Whether it has had a CPU slice.
    had_slice: bool,
}

impl Admission {
    /// Gives each request `time` to work.
    pub(crate) fn new(time: Duration) -> Self {
        Self::with(time, MAX_WORKING, MAX_BODY_BYTES)
    }

    /// Gives each request the same time, and lets any number of them work at one time, without bodies.
    ///
    /// Operators have to be answered also when too many other requests are at work.
    pub(crate) fn unlimited(&self) -> Self {
        Self::with(self.time, Semaphore::MAX_PERMITS, 0)
    }

    /// Lets `permits` requests work at one time and hold `body_bytes` of bodies.
    pub(crate) fn with(time: Duration, permits: usize, body_bytes: usize) -> Self {
        Self {
            time,
            permits: Arc::new(Semaphore::new(permits)),
            body_bytes: Arc::new(Semaphore::new(body_bytes.min(Semaphore::MAX_PERMITS))),
            answers: Answers::new(),
            cpu_slices: CpuSlices::new(),
        }
    }

    /// Lets a request in, unless too many are at work already.
    fn enter(&self, wait_for_body: Duration) -> Result<Admitted, Problem> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| overloaded("too many requests are at work"))?;
        let (deadline, _) = watch::channel(Instant::now() + wait_for_body + self.time);
        Ok(Admitted {
            admission: self.clone(),
            deadline,
            held: Mutex::new(Held { permit: Some(permit), ..Held::default() }),
        })
    }
}

/// Takes memory for some more bytes of the body.
///
/// # Errors
///
/// A problem when the bodies of all requests together are too large already.
pub(crate) fn hold(bytes: usize) -> Result<(), Problem> {
    ADMITTED.try_with(|admitted| admitted.hold(bytes)).unwrap_or(Ok(()))
}

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
pub(crate) fn body_arrived() {
    with_admitted(|admitted| admitted.may_take(admitted.admission.time));
}

/// Sets the time that the request may still take, which depends on its route.
pub(crate) fn may_take(time: Duration) {
    with_admitted(|admitted| admitted.may_take(time));
}

/// Releases the permit and the memory of the body while the request waits, and adds the wait to its time.
pub(crate) fn wait(wait: Duration) {
    with_admitted(|admitted| {
        admitted.may_take(wait + admitted.admission.time);
        let mut held = admitted.held();
        (held.permit, held.body) = (None, None);
    });
}

fn with_admitted(change: impl FnOnce(&Admitted)) {
    // Without an admitted request there are no limits.
    ADMITTED.try_with(change).unwrap_or_default();
}

/// Lets a request in, and answers 503 when it takes longer than it may.
///
/// CANCEL: a request that is late is dropped; what it began to write is written all the same.
pub(crate) async fn limit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let wait_for_body = if request.body().is_end_stream() { Duration::ZERO } else { ARRIVAL };
    let only_reads = request.method().is_safe();
    let answers = admission.answers.clone();
    let admitted = match admission.enter(wait_for_body) {
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
    if only_reads { answers.hold(answer).await } else { answer }
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

fn overloaded(cause: &str) -> Problem {
    Problem::new(Code::Overloaded).cause(cause)
}

#[cfg(test)]
mod tests;
