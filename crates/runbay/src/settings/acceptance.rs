//! Which executions are accepted, and how long a request may take.

use std::time::Duration;

use clap::ArgAction;
use clap::Args;
use clap::builder::BoolishValueParser;
use runbay_engine::Pace;
use serde::Deserialize;

use super::given::Group;
use super::words::switch;
use super::words::whole_number;

/// Which executions are accepted, and how long a request may take.
#[derive(Debug, Clone, Args, Deserialize)]
#[serde(default)]
pub(crate) struct AcceptanceSettings {
    /// Executions that may wait; further ones are refused with 503 [default: 10000]
    #[arg(long, env = "RUNBAY_QUEUE_MAX_DEPTH", value_name = "COUNT", value_parser = whole_number::<usize>)]
    pub(crate) queue_max_depth: usize,

    /// Refuse executions with 503 while the queue does not answer; otherwise they wait until it does
    #[arg(long, env = "RUNBAY_REQUIRE_QUEUE", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    #[serde(deserialize_with = "switch")]
    pub(crate) require_queue: bool,

    /// Runs of one session that are accepted within any 60 seconds, 0 for any number; further ones are refused with 429 [default: 60]
    #[arg(long, env = "RUNBAY_SESSION_RUNS_PER_MINUTE", value_name = "COUNT", value_parser = whole_number::<u32>)]
    session_runs_per_minute: u32,

    /// Milliseconds after the acceptance of a run in which its session is refused another with 429 [default: 0]
    #[arg(long, env = "RUNBAY_SESSION_COOLDOWN_MS", value_name = "MILLISECONDS", value_parser = whole_number::<u64>)]
    session_cooldown_ms: u64,

    /// Seconds after which a request is answered with 503; a long poll has its wait on top, batches and checks have 30 [default: 5]
    #[arg(long, env = "RUNBAY_REQUEST_SECONDS", value_name = "SECONDS", value_parser = whole_number::<u64>)]
    request_seconds: u64,
}

impl Default for AcceptanceSettings {
    fn default() -> Self {
        Self {
            queue_max_depth: 10_000,
            require_queue: false,
            session_runs_per_minute: 60,
            session_cooldown_ms: 0,
            request_seconds: 5,
        }
    }
}

impl Group for AcceptanceSettings {
    type Settings = Self;

    fn complete(self) -> anyhow::Result<Self> {
        anyhow::ensure!((1..=3600).contains(&self.request_seconds), "request_seconds must be between 1 and 3600");
        anyhow::ensure!(self.queue_max_depth > 0, "queue_max_depth must be at least 1");
        Ok(self)
    }
}

impl AcceptanceSettings {
    /// Returns how often a session may run.
    pub(crate) fn pace(&self) -> Pace {
        Pace {
            runs_per_minute: self.session_runs_per_minute,
            cooldown: Duration::from_millis(self.session_cooldown_ms),
        }
    }

    /// Returns how long a request may take.
    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    #[test]
    fn a_session_has_its_pace_from_flags_and_file() {
        let pace = |flags: &[&str], text| {
            let pace = settings::<AcceptanceSettings>(flags, text).unwrap().pace();
            (pace.runs_per_minute, pace.cooldown.as_millis())
        };
        assert_eq!(pace(&[], ""), (60, 0));
        let text = "session_runs_per_minute = 5\nsession_cooldown_ms = 2000\n";
        assert_eq!(pace(&["--session-runs-per-minute=0"], text), (0, 2000));
    }

    #[test]
    fn a_request_has_seconds() {
        let time = |text| settings::<AcceptanceSettings>(&[], text).map(|settings| settings.request_time());
        assert_eq!(time("").unwrap(), Duration::from_secs(5));
        assert_eq!(time("request_seconds = 30").unwrap(), Duration::from_secs(30));
        let refusal = "request_seconds must be between 1 and 3600";
        assert_eq!(time("request_seconds = 0").unwrap_err().to_string(), refusal);
    }

    #[test]
    fn zero_is_no_count() {
        let error = settings::<AcceptanceSettings>(&[], "queue_max_depth = 0").unwrap_err();
        assert_eq!(error.to_string(), "queue_max_depth must be at least 1");
    }
}
