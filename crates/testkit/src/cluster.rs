//! Several processes of the product that share a database and a Redis.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::Value;

use crate::Launch;
use crate::TestApp;
use crate::eventually;

/// How long it may take on a busy machine until every api sees a new worker.
const SEEN: Duration = Duration::from_secs(60);

/// Processes of the product that share a database and a Redis; killed when dropped.
///
/// Tests may take processes out of it, kill them and start them again with [`TestApp::kill`] and [`TestApp::restart`],
/// after which a process has another port.
#[derive(Debug)]
pub struct Cluster {
    /// The processes that answer HTTP.
    pub apis: Vec<TestApp>,
    /// The processes that run programs.
    pub workers: Vec<TestApp>,
    database_url: String,
    redis_url: String,
    worker_args: Vec<OsString>,
    shared_args: Vec<OsString>,
}

impl Cluster {
    /// Makes a cluster without processes. Its workers run Python only, two programs at one time.
    #[must_use]
    pub fn new(database_url: &str, redis_url: &str) -> Self {
        Self {
            apis: Vec::new(),
            workers: Vec::new(),
            database_url: database_url.to_owned(),
            redis_url: redis_url.to_owned(),
            worker_args: ["--slots", "2"].map(OsString::from).to_vec(),
            shared_args: Vec::new(),
        }
    }

    /// Gives workers other arguments than those for two slots.
    #[must_use]
    pub fn worker_args(mut self, args: &[&str]) -> Self {
        self.worker_args = args.iter().map(OsString::from).collect();
        self
    }

    /// Adds arguments to all processes.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.shared_args.extend(args.iter().map(OsString::from));
        self
    }

    /// Returns the way to start an api.
    #[must_use]
    pub fn api_launch(&self) -> Launch {
        self.with_shared_args(Launch::api(&self.database_url, &self.redis_url))
    }

    /// Returns how a worker is started.
    #[must_use]
    pub fn worker_launch(&self) -> Launch {
        let launch = Launch::worker(&self.database_url, &self.redis_url);
        self.with_shared_args(self.worker_args.iter().fold(launch, Launch::arg))
    }

    fn with_shared_args(&self, launch: Launch) -> Launch {
        self.shared_args.iter().fold(launch, Launch::arg)
    }

    /// Starts more processes, one after the other, and waits until every api sees every worker of the cluster.
    #[must_use]
    pub async fn start(mut self, apis: usize, workers: usize) -> Self {
        for _ in 0..workers {
            self.workers.push(self.worker_launch().start().await);
        }
        for _ in 0..apis {
            self.apis.push(self.api_launch().start().await);
        }
        for api in &self.apis {
            see_workers(api, self.workers.len()).await;
        }
        self
    }
}

/// Waits until an api sees this many living workers and offers what they run.
pub async fn see_workers(api: &TestApp, workers: usize) {
    eventually(SEEN, "the workers are seen", async || {
        let body = api.client.get("/workers").await;
        let seen = (body.status == 200).then(|| body.json())?;
        let alive = seen["workers"].as_array()?.iter().filter(|worker| is_taking(worker)).count();
        let languages = api.client.get("/languages").await.json();
        let offered = workers == 0 || languages["languages"].as_array().is_some_and(|offered| !offered.is_empty());
        (alive == workers && offered).then_some(())
    })
    .await;
}

fn is_taking(worker: &Value) -> bool {
    worker["alive"] == true && worker["draining"] == false
}
