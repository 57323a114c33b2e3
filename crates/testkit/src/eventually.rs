//! Waiting for a condition.

use std::time::Duration;

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_millis(10);

/// Calls `check` again and again until it returns something, and returns that.
///
/// # Panics
///
/// When the deadline has passed; the message names `what` did not come true.
pub async fn eventually<T, F, Fut>(deadline: Duration, what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < end, "after {deadline:?} still not so: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_what_was_found() {
        let mut asked = 0;
        let found = eventually(Duration::from_secs(5), "the third time", || {
            asked += 1;
            std::future::ready((asked == 3).then_some(asked))
        })
        .await;
        assert_eq!(found, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "still not so: pigs fly")]
    async fn gives_up_at_the_deadline() {
        eventually(Duration::from_millis(30), "pigs fly", || std::future::ready(None::<()>)).await;
    }
}
