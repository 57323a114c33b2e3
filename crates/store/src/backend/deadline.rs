//! Deadlines of calls to the database.

use std::future::Future;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio::time::timeout_at;

use crate::StoreError;
use crate::backend::fault::Passing;
use crate::backend::fault::silence;

/// How long a call may take with its retries. It is a little less than a request may take, so that the answer can say
/// what is wrong.
pub(crate) const CALL: Duration = Duration::from_millis(4_500);

/// How often a command with a taken key is tried. The next try finds the row of somebody else, or the fault lies
/// elsewhere.
const TRIES_AFTER_TAKEN: u32 = 3;

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

/// The result of a try.
pub(crate) enum Try<T, E> {
    /// The answer, good or bad.
    Done(Result<T, E>),
    /// The call had no effect, and may succeed a moment later.
    Again(StoreError),
}

/// Calls until there is an answer or [`CALL`] is over. In that case the last error is the answer.
pub(crate) async fn until_answered<T, E, F>(mut call: impl FnMut() -> F) -> Result<T, E>
where
    E: From<StoreError>,
    F: Future<Output = Try<T, E>>,
{
    let deadline = Instant::now() + CALL;
    let mut longest_pause = SHORTEST_PAUSE;
    let mut tries = 0;
    let mut error = StoreError::Silent;
    loop {
        match timeout_at(deadline, call()).await {
            Ok(Try::Done(answer)) => return answer,
            Ok(Try::Again(again)) => error = again,
            Err(_) => return Err(error.into()),
        }
        tries += 1;
        if tries >= TRIES_AFTER_TAKEN && passing(&error) == Some(Passing::Taken) {
            return Err(error.into());
        }
        let pause = part_of(longest_pause);
        if Instant::now() + pause >= deadline {
            return Err(error.into());
        }
        sleep(pause).await;
        longest_pause = (longest_pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads until there is an answer. A read may always be tried again.
pub(crate) async fn read<T, F>(mut query: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    until_answered(|| {
        let query = query();
        async {
            match query.await {
                Err(error) if passing(&error).is_some() => Try::Again(error),
                answer => Try::Done(answer),
            }
        }
    })
    .await
}

/// Waits for one call to the database, without retries.
pub(crate) async fn in_time<T, E: From<DbErr>>(call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    timeout(CALL, call).await.unwrap_or_else(|_| Err(silence().into()))
}

/// Returns why an error passes. Returns none when it does not.
pub(crate) fn passing(error: &StoreError) -> Option<Passing> {
    match error {
        StoreError::Database(error) => Passing::of(error),
        _ => None,
    }
}

/// Returns between half and all of a time, so that calls that collided do not collide again.
fn part_of(time: Duration) -> Duration {
    time.mul_f64(0.5 + fastrand::f64() / 2.0)
}
