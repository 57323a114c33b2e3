//! The log of the server under test.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::Value;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;

/// How many lines are kept; enough for the status changes of some hundred executions.
const KEPT: usize = 2_000;

/// The newest lines that a server wrote, over all its lives; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<Line>>>);

/// One line of a log.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line as written.
    pub text: String,
    /// The event in it; null where it is not JSON.
    event: Value,
}

impl Log {
    /// Keeps lines, shows each to `look`, and ends when nobody can write any more.
    pub(crate) async fn follow(&self, stream: impl AsyncRead + Unpin, mut look: impl FnMut(&Line)) {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = Line::new(String::from_utf8_lossy(&line).into_owned());
            look(&line);
            self.push(line);
        }
    }

    /// Returns the kept lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.locked().iter().cloned().collect()
    }

    /// Returns the kept lines with this message, oldest first.
    #[must_use]
    pub fn with_message(&self, message: &str) -> Vec<Line> {
        self.lines().into_iter().filter(|line| line.field("message") == message).collect()
    }

    /// Returns the statuses of an execution in the log, oldest first.
    #[must_use]
    pub fn statuses(&self, execution: &str) -> Vec<String> {
        self.lines()
            .into_iter()
            .filter(|line| line.field("execution.id") == execution)
            .filter_map(|line| line.field("execution.status").as_str().map(str::to_owned))
            .collect()
    }

    fn push(&self, line: Line) {
        let mut lines = self.locked();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

impl Line {
    fn new(text: String) -> Self {
        let event = serde_json::from_str(&text).unwrap_or_default();
        Self { text, event }
    }

    /// Returns a field of the event; null when the event has none of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> &Value {
        // Subscribers write fields either in an object of their own or beside time and level.
        let inner = &self.event["fields"][name];
        if inner.is_null() { &self.event[name] } else { inner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_both_forms() {
        let nested =
            Line::new(r#"{"level":"INFO","fields":{"message":"listening","server.address":"a:1"}}"#.to_owned());
        assert_eq!(nested.field("server.address"), "a:1");
        let flat = Line::new(r#"{"level":"INFO","message":"listening"}"#.to_owned());
        assert_eq!(flat.field("message"), "listening");
        assert!(Line::new("thread panicked".to_owned()).field("message").is_null());
    }

    #[tokio::test]
    async fn only_the_newest_lines_are_kept() {
        let log = Log::default();
        let text: String = (0..KEPT + 5).map(|number| format!("line {number}\n")).collect();
        log.follow(text.as_bytes(), |_| {}).await;
        let lines = log.lines();
        assert_eq!((lines.len(), lines[0].text.as_str()), (KEPT, "line 5"));
    }
}
