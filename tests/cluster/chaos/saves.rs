//! Sessions that are saved again and again, and must never fall behind what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::client::Client;

const PAUSE: Duration = Duration::from_millis(50);

/// A session whose texts were the numbers from 0 on.
pub(super) struct Saved {
    pub(super) session: String,
    /// How many saves were acknowledged.
    pub(super) count: usize,
    /// The newest text whose save was acknowledged.
    acknowledged: u64,
    /// The newest text that was sent.
    sent: u64,
}

impl Saved {
    /// Returns what is wrong with the session as it was read: an older text than was acknowledged, or none that was sent.
    pub(super) fn contradiction(&self, body: &Value) -> Option<String> {
        let text = body["source_code"].as_str().and_then(|text| text.parse().ok());
        let is_right = text.is_some_and(|text: u64| (self.acknowledged..=self.sent).contains(&text));
        (!is_right)
            .then(|| format!("texts up to {} were acknowledged, up to {} sent: {body:#}", self.acknowledged, self.sent))
    }
}

impl Client {
    /// Saves one session with one text after the other.
    pub(super) async fn save_until(self: Arc<Self>, over: Arc<AtomicBool>) -> Saved {
        let body = json!({"language": "python", "source_code": "0"});
        let created = self.ask(Method::POST, "/code-sessions", None, &body).await;
        let session = created["session_id"].as_str().expect("a text").to_owned();
        let path = format!("/code-sessions/{session}");
        let mut saved = Saved { session, count: 0, acknowledged: 0, sent: 0 };
        let mut version = created["version"].clone();
        while !over.load(Ordering::Relaxed) {
            saved.sent += 1;
            // With the version, a save that was not answered cannot come after the next one.
            let body = json!({"source_code": saved.sent.to_string(), "version": version});
            match self.try_ask(&Method::PATCH, &path, None, &body).await {
                Some(answer) if answer.status == 200 => {
                    saved.count += 1;
                    saved.acknowledged = saved.sent;
                    version = answer.json()["version"].clone();
                }
                _ => {
                    let now = self.ask(Method::GET, &path, None, &Value::Null).await;
                    let contradiction = saved.contradiction(&now);
                    assert!(contradiction.is_none(), "{contradiction:?}");
                    version = now["version"].clone();
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        saved
    }
}

#[test]
fn an_older_text_than_was_acknowledged_is_a_contradiction() {
    let saved = Saved { session: String::new(), count: 5, acknowledged: 5, sent: 7 };
    for (text, is_wrong) in [("4", true), ("5", false), ("7", false), ("8", true), ("", true)] {
        assert_eq!(saved.contradiction(&json!({"source_code": text})).is_some(), is_wrong, "{text}");
    }
}
