//! Clients that run programs.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use runbay_testkit::Client;
use runbay_testkit::TestApp;
use serde_json::json;

use crate::attacks;
use crate::options::Length;
use crate::options::Options;
use crate::programs::Program;
use crate::table;

/// More failures than these are not told one by one.
const TOLD: usize = 10;

/// Numbers of programs that only warm up, far from those of the runs.
const WARM_UP: usize = usize::MAX / 2;

/// The clients of one server.
pub(crate) struct Load(Arc<Shared>);

struct Shared {
    client: Client,
    /// Makes the program of a run.
    program: fn(usize) -> Program,
    at_once: usize,
    /// Sessions without a run at this moment.
    free: Mutex<VecDeque<String>>,
    executions: Mutex<HashSet<String>>,
    started: AtomicUsize,
}

/// What came of some runs.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) times: Vec<Duration>,
    pub(crate) failures: Vec<String>,
}

impl Load {
    /// Opens the sessions.
    pub(crate) async fn open(app: &TestApp, options: &Options) -> Self {
        let mut free = VecDeque::with_capacity(options.sessions);
        for number in 0..options.sessions {
            free.push_back(app.client.create_session("python", &format!("print('session {number}')")).await);
        }
        Self(Arc::new(Shared {
            client: app.client.clone(),
            program: match options.load {
                Length::Runs(_) => Program::of,
                Length::Attacks(_) => attacks::program,
            },
            at_once: options.at_once,
            free: Mutex::new(free),
            executions: Mutex::default(),
            started: AtomicUsize::new(0),
        }))
    }

    /// Runs as many programs as run at one time, twice, and forgets them.
    pub(crate) async fn warm_up(&self) {
        self.run(WARM_UP..WARM_UP + 2 * self.0.at_once).await;
    }

    /// Carries out the runs with these numbers.
    pub(crate) async fn run(&self, numbers: Range<usize>) -> Stage {
        let next = Arc::new(AtomicUsize::new(numbers.start));
        let clients: Vec<_> = (0..self.0.at_once)
            .map(|_| {
                let (shared, next, end) = (Arc::clone(&self.0), Arc::clone(&next), numbers.end);
                tokio::spawn(async move {
                    let mut stage = Stage::default();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= end {
                            return stage;
                        }
                        shared.progress(number);
                        let start = Instant::now();
                        stage.failures.extend(shared.run_one(number).await.err());
                        stage.times.push(start.elapsed());
                    }
                })
            })
            .collect();
        let mut all = Stage::default();
        for client in clients {
            match client.await {
                Ok(stage) => {
                    all.times.extend(stage.times);
                    all.failures.extend(stage.failures);
                }
                Err(panic) => all.failures.push(format!("a client gave up: {panic}")),
            }
        }
        table::clear_progress();
        if all.failures.len() > TOLD {
            let more = all.failures.len() - TOLD;
            all.failures.truncate(TOLD);
            all.failures.push(format!("and {more} more runs"));
        }
        all
    }

    /// Checks that the server has counted each run once.
    pub(crate) async fn count_executions(&self) -> Result<(), String> {
        let metrics = self.0.client.get("/metrics").await.text;
        let ended: usize = metrics
            .lines()
            .filter(|line| line.starts_with("runbay_executions_total{"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
            .sum();
        let known = self.0.executions.lock().unwrap_or_else(PoisonError::into_inner).len();
        let expected = self.0.started.load(Ordering::Relaxed);
        if (ended, known) == (expected, expected) {
            Ok(())
        } else {
            Err(format!("of {expected} runs {known} have an id of their own, and {ended} ends were counted"))
        }
    }
}

impl Shared {
    async fn run_one(&self, number: usize) -> Result<(), String> {
        let session = self.free().pop_front().ok_or("no session is free")?;
        let result = self.run_in(&session, number).await;
        self.free().push_back(session);
        result.map_err(|complaint| format!("run {number}: {complaint}"))
    }

    async fn run_in(&self, session: &str, number: usize) -> Result<(), String> {
        let program = (self.program)(number);
        let mut body = json!({"source_code": program.code, "language": program.language, "stdin": program.stdin});
        if let Some(limits) = &program.limits {
            body["limits"] = limits.clone();
        }
        // Half of the clients wait with the request, the others ask again.
        let wait = if number.is_multiple_of(2) { "?wait_ms=30000" } else { "" };
        let answer = self.client.post(&format!("/code-sessions/{session}/run{wait}"), &body).await;
        if !matches!(answer.status, 200 | 202) {
            return Err(format!("refused with {}: {}", answer.status, answer.text));
        }
        let accepted = answer.json();
        let id = accepted["execution_id"].as_str().ok_or("an answer without an id")?;
        if !self.executions.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned()) {
            return Err(format!("{id} was given to two runs"));
        }
        let execution = if answer.status == 200 { accepted.clone() } else { self.client.wait(id).await };
        program.complaint(&execution).map_or(Ok(()), Err)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self, number: usize) {
        let started = self.started.fetch_add(1, Ordering::Relaxed);
        if number < WARM_UP && started.is_multiple_of(10) && std::io::stdout().is_terminal() {
            table::progress(&format!("{number} runs"));
        }
    }
}
