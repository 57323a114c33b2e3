//! What was found, and what may be found.

use std::collections::BTreeMap;
use std::time::Duration;

use runbay_model::Timestamp;
use serde_json::json;

use super::client::Client;
use super::client::Visit;
use super::client::expected;
use super::options::Options;
use super::saves::Saved;
use super::system::System;
use super::system::hexadecimal;
use super::watcher::contradiction;
use crate::servers::Kind;
use crate::servers::sql;

/// Of a hundred runs, how many may lose all their workers.
const MOST_LOST_PERCENT: usize = 2;

/// How much of what is wrong is shown.
const SHOWN: usize = 20;

/// What was found.
#[derive(Default)]
pub(super) struct Report {
    wrong: Vec<String>,
    /// Runs by how they ended.
    ends: BTreeMap<String, usize>,
    /// From the death of a worker to the next attempt at what it ran.
    gaps: Vec<Duration>,
    strikes: BTreeMap<&'static str, usize>,
    /// Saves that were acknowledged.
    saves: usize,
}

impl Report {
    /// Notes something that is wrong unless it is right.
    pub(super) fn expect(&mut self, is_right: bool, otherwise: impl FnOnce() -> String) {
        if !is_right {
            self.wrong.push(otherwise());
        }
    }

    /// Looks at the database: each run has one row, and none goes on.
    pub(super) fn check_rows(&mut self, system: &System, runs: usize) {
        let rows = sql(&system.database_url, "SELECT COUNT(*) FROM executions");
        self.expect(rows == runs.to_string(), || format!("{rows} rows for {runs} runs"));
        let query = "SELECT COUNT(*) FROM executions WHERE status IN ('QUEUED', 'RUNNING') \
                     OR active_session_id IS NOT NULL OR lease_owner IS NOT NULL";
        let active = sql(&system.database_url, query);
        self.expect(active == "0", || format!("{active} rows go on"));
    }

    /// Looks at what the clients saw: outputs are exact, and events tell of one end.
    pub(super) fn check_visits(&mut self, visits: &[Visit]) {
        let mut lost = 0;
        for run in visits.iter().flat_map(|visit| &visit.runs) {
            let status = run.end["status"].as_str().unwrap_or_default();
            *self.ends.entry(status.to_owned()).or_default() += 1;
            if run.end["reason"] == "worker_lost" {
                lost += 1;
            } else {
                let is_exact = status == "COMPLETED" && run.end["stdout"] == expected(run.number);
                self.expect(is_exact, || format!("run {} ended so: {:#}", run.number, run.end));
            }
            let contradiction = contradiction(&run.readings, status);
            self.expect(contradiction.is_none(), || format!("{}: {contradiction:?}", run.execution));
        }
        let runs: usize = visits.iter().map(|visit| visit.runs.len()).sum();
        self.expect(lost * 100 <= runs * MOST_LOST_PERCENT, || format!("{lost} of {runs} runs lost all their workers"));
    }

    /// Asks every api again: the end is still the one that was seen first.
    pub(super) async fn check_answers(&mut self, system: &System, visits: &[Visit]) {
        for api in system.apis() {
            for run in visits.iter().flat_map(|visit| &visit.runs) {
                let now = api.execution(&run.execution).await;
                self.expect(now == run.end, || format!("the end was {:#} and is {now:#}", run.end));
            }
        }
    }

    /// Runs every session once more.
    pub(super) async fn check_sessions(&mut self, client: &Client, visits: &[Visit]) {
        for (number, visit) in visits.iter().enumerate() {
            // Keys of runs begin at zero as well, and belong to their sessions.
            let number = usize::MAX / 2 + number;
            let execution = client.submit(&visit.session, number).await;
            let end = client.end(&execution).await;
            self.expect(end["status"] == json!("COMPLETED"), || format!("a session is of no use: {end:#}"));
        }
    }

    /// Asks every api for the sessions that were saved.
    pub(super) async fn check_saves(&mut self, system: &System, saves: &[Saved]) {
        self.saves = saves.iter().map(|saved| saved.count).sum();
        for api in system.apis() {
            for saved in saves {
                let body = api.get(&format!("/code-sessions/{}", saved.session)).await.expect(200);
                let contradiction = saved.contradiction(&body);
                self.expect(contradiction.is_none(), || format!("{contradiction:?}"));
            }
        }
    }

    /// Measures how long it took until what a killed worker ran was started again.
    pub(super) fn note_gaps(&mut self, system: &System) {
        self.strikes.clone_from(&system.strikes);
        let id = hexadecimal(&system.database_url, "id");
        let query = format!("SELECT {id}, attempt, started_at FROM executions WHERE attempt > 1");
        let retried = sql(&system.database_url, &query);
        for line in retried.lines() {
            let [execution, attempt, started_at] = *line.split(['|', '\t']).collect::<Vec<_>>() else {
                panic!("three columns: {line}");
            };
            let attempt: u32 = attempt.parse().expect("a number");
            let started_at = Timestamp::from_micros(started_at.parse().expect("a number"));
            let lost = system.lost.iter().filter(|lost| lost.execution == execution && lost.attempt + 1 == attempt);
            self.gaps.extend(lost.map(|lost| started_at.since(lost.at)));
        }
    }

    /// Prints what was measured.
    ///
    /// # Panics
    ///
    /// With what was wrong.
    pub(super) fn conclude(mut self, kind: Kind, options: &Options, took: Duration) {
        self.gaps.sort_unstable();
        #[expect(clippy::print_stdout, reason = "the figures are what the long form is run for")]
        {
            println!(
                "{kind:?}: {} runs and {} saves in {:.1} s with seed {}: {:?}; killed: {:?}; attempts that were made again after \
                 their worker was killed: {}, after {:.1} s in the middle and {:.1} s at most",
                options.runs,
                self.saves,
                took.as_secs_f64(),
                options.seed,
                self.ends,
                self.strikes,
                self.gaps.len(),
                self.gaps.get(self.gaps.len() / 2).unwrap_or(&Duration::ZERO).as_secs_f64(),
                self.gaps.last().unwrap_or(&Duration::ZERO).as_secs_f64(),
            );
        }
        let count = self.wrong.len();
        self.wrong.truncate(SHOWN);
        assert!(count == 0, "with seed {}, {count} things are wrong:\n{}", options.seed, self.wrong.join("\n"));
    }
}
