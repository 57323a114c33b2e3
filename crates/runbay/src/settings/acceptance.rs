//! Which executions are accepted, and how long a request may take.

use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use runbay_engine::Pace;
use serde::Deserialize;

use super::SettingsFile;
use super::positive;

/// Which executions are accepted, and how long a request may take.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct AcceptanceFlags {
    /// Executions that may wait; further ones are refused with 503 [default: 10000]
    #[arg(long, env = "RUNBAY_QUEUE_MAX_DEPTH", value_name = "COUNT")]
    queue_max_depth: Option<usize>,

    /// Refuse executions with 503 while the queue does not answer; otherwise they wait until it does
    #[arg(long, env = "RUNBAY_REQUIRE_QUEUE", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    require_queue: Option<bool>,

    /// Runs of one session that are accepted within any 60 seconds, 0 for any number; further ones are refused with 429 [default: 60]
    #[arg(long, env = "RUNBAY_SESSION_RUNS_PER_MINUTE", value_name = "COUNT")]
    session_runs_per_minute: Option<u32>,

    /// Milliseconds after the acceptance of a run in which its session is refused another with 429 [default: 0]
    #[arg(long, env = "RUNBAY_SESSION_COOLDOWN_MS", value_name = "MILLISECONDS")]
    session_cooldown_ms: Option<u64>,

    /// Seconds after which a request is answered with 503; a long poll has its wait on top, batches and checks have 30 [default: 5]
    #[arg(long, env = "RUNBAY_REQUEST_SECONDS", value_name = "SECONDS")]
    request_seconds: Option<u64>,
}

/// Which executions are accepted, and how long a request may take, complete.
#[derive(Debug, Clone)]
pub(crate) struct AcceptanceSettings {
    pub(crate) queue_max_depth: usize,
    pub(crate) require_queue: bool,
    pub(crate) pace: Pace,
    pub(crate) request_time: Duration,
}

impl AcceptanceFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<AcceptanceSettings> {
        let file: Self = file.group()?;
        let cooldown = self.session_cooldown_ms.or(file.session_cooldown_ms).unwrap_or(0);
        let request_seconds = self.request_seconds.or(file.request_seconds).unwrap_or(5);
        anyhow::ensure!((1..=3600).contains(&request_seconds), "request_seconds must be between 1 and 3600");
        Ok(AcceptanceSettings {
            queue_max_depth: positive("queue_max_depth", self.queue_max_depth.or(file.queue_max_depth))?
                .unwrap_or(10_000),
            require_queue: self.require_queue.or(file.require_queue).unwrap_or(false),
            pace: Pace {
                runs_per_minute: self.session_runs_per_minute.or(file.session_runs_per_minute).unwrap_or(60),
                cooldown: Duration::from_millis(cooldown),
            },
            request_time: Duration::from_secs(request_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    #[test]
    fn a_session_has_its_pace_from_flags_and_file() {
        let pace = |flags: AcceptanceFlags, text| {
            let pace = flags.complete(&file(text).unwrap()).unwrap().pace;
            (pace.runs_per_minute, pace.cooldown.as_millis())
        };
        assert_eq!(pace(AcceptanceFlags::default(), ""), (60, 0));
        let flags = AcceptanceFlags { session_runs_per_minute: Some(0), ..AcceptanceFlags::default() };
        assert_eq!(pace(flags, "session_runs_per_minute = 5\nsession_cooldown_ms = 2000\n"), (0, 2000));
    }

    #[test]
    fn a_request_has_seconds() {
        let time =
            |text| AcceptanceFlags::default().complete(&file(text).unwrap()).map(|settings| settings.request_time);
        assert_eq!(time("").unwrap(), Duration::from_secs(5));
        assert_eq!(time("request_seconds = 30").unwrap(), Duration::from_secs(30));
        let refusal = "request_seconds must be between 1 and 3600";
        assert_eq!(time("request_seconds = 0").unwrap_err().to_string(), refusal);
    }

    #[test]
    fn zero_is_no_count() {
        let error = AcceptanceFlags::default().complete(&file("queue_max_depth = 0").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "queue_max_depth must be at least 1");
    }
}
