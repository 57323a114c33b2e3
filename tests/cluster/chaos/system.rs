//! The processes and servers, and how they are killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use runbay_events::RedisEventBus;
use runbay_events::RedisEventBusLimits;
use runbay_model::Timestamp;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::Process;
use runbay_testkit::RedisServer;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;

use super::random::Random;
use super::report::Report;
use crate::servers::Kind;
use crate::servers::sql;

const APIS: usize = 2;
const WORKERS: usize = 3;

/// What a killed worker has started ends by itself.
const GONE: Duration = Duration::from_secs(60);

/// Who may be killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Api(usize),
    Worker(usize),
    Redis,
    Database,
}

const VICTIMS: [Victim; APIS + WORKERS + 2] = [
    Victim::Api(0),
    Victim::Api(1),
    Victim::Worker(0),
    Victim::Worker(1),
    Victim::Worker(2),
    Victim::Redis,
    Victim::Database,
];

enum DatabaseServer {
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

/// An attempt whose worker was killed.
pub(super) struct LostAttempt {
    /// The execution's id in hexadecimal digits.
    pub(super) execution: String,
    pub(super) attempt: u32,
    pub(super) at: Timestamp,
}

/// The apis as clients know them: one that was started again has another address.
#[derive(Clone, Default)]
pub(super) struct Doors(Arc<Mutex<Vec<Client>>>);

/// All processes, and the servers below them.
pub(super) struct System {
    pub(super) database_url: String,
    pub(super) lost: Vec<LostAttempt>,
    pub(super) strikes: BTreeMap<&'static str, usize>,
    cluster: Cluster,
    redis: RedisServer,
    database: DatabaseServer,
    doors: Doors,
    random: Random,
    /// Every process that the processes have started.
    started: Vec<Process>,
}

impl System {
    pub(super) async fn start(kind: Kind, seed: u64) -> Self {
        let (database, urls) = match kind {
            Kind::Postgres => {
                let server = PostgresServer::start().await;
                let urls = server.database().await;
                (DatabaseServer::Postgres(server), urls)
            }
            Kind::MariaDb => {
                let server = MariaDbServer::start().await;
                let urls = server.database().await;
                (DatabaseServer::MariaDb(server), urls)
            }
        };
        let redis = RedisServer::start().await;
        let cluster = Cluster::new(&urls.url, &redis.url()).start(APIS, WORKERS).await;
        let doors = Doors::default();
        doors.open(&cluster.apis);
        Self {
            database_url: urls.url,
            lost: Vec::new(),
            strikes: BTreeMap::new(),
            cluster,
            redis,
            database,
            doors,
            random: Random::seeded(seed),
            started: Vec::new(),
        }
    }

    pub(super) fn doors(&self) -> Doors {
        self.doors.clone()
    }

    /// Returns the bus on which the processes tell what happens.
    pub(super) fn event_bus(&self) -> RedisEventBus {
        let address = self.redis.url().parse().expect("the kit's URL is one");
        RedisEventBus::new(Redis::open(address), &Prefix::default(), RedisEventBusLimits::default())
    }

    pub(super) fn apis(&self) -> impl Iterator<Item = &Client> {
        self.cluster.apis.iter().map(|api| &api.client)
    }

    /// Kills the next victim and starts it again.
    pub(super) async fn strike(&mut self) {
        let victim = self.random.one_of(&VICTIMS);
        *self.strikes.entry(victim.kind()).or_default() += 1;
        match victim {
            Victim::Api(number) => {
                let api = &mut self.cluster.apis[number];
                api.kill().await;
                api.restart().await;
                self.doors.open(&self.cluster.apis);
            }
            Victim::Worker(number) => self.strike_worker(number).await,
            Victim::Redis => {
                self.redis.kill();
                self.redis.restart().await;
            }
            Victim::Database => match &mut self.database {
                DatabaseServer::Postgres(server) => {
                    server.kill();
                    server.restart().await;
                }
                DatabaseServer::MariaDb(server) => {
                    server.kill();
                    server.restart().await;
                }
            },
        }
    }

    async fn strike_worker(&mut self, number: usize) {
        let worker = &mut self.cluster.workers[number];
        let pid = worker.pid();
        self.started.extend(worker.processes());
        worker.kill().await;
        let at = Timestamp::now();
        let owned = sql(
            &self.database_url,
            &format!(
                "SELECT {}, executions.attempt FROM executions JOIN workers ON workers.id = executions.lease_owner \
                 WHERE executions.status = 'RUNNING' AND workers.name LIKE '%:{pid}'",
                hexadecimal(&self.database_url, "executions.id")
            ),
        );
        for line in owned.lines() {
            let (execution, attempt) = line.split_once(['|', '\t']).expect("two columns");
            let attempt = attempt.parse().expect("a number");
            self.lost.push(LostAttempt { execution: execution.to_owned(), attempt, at });
        }
        self.cluster.workers[number].restart().await;
    }

    /// Stops everything as an operator would; nothing may be left.
    pub(super) async fn end(mut self, report: &mut Report) {
        let Cluster { apis, workers, .. } = &mut self.cluster;
        for app in apis.iter_mut().chain(workers) {
            self.started.extend(app.processes());
            let exit = app.terminate().await;
            report.expect(exit.status.success(), || format!("a process ended with {}", exit.status));
        }
        let started = self.started;
        eventually(GONE, "no process is left", async || {
            started.iter().all(|process| !process.is_alive()).then_some(())
        })
        .await;
    }
}

impl Doors {
    fn open(&self, apis: &[TestApp]) {
        let clients = apis.iter().map(|api| api.client.clone()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    /// Returns one of the apis, another for each next number.
    pub(super) fn get(&self, number: usize) -> Client {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients[number % clients.len()].clone()
    }
}

impl Victim {
    const fn kind(self) -> &'static str {
        match self {
            Self::Api(_) => "api",
            Self::Worker(_) => "worker",
            Self::Redis => "redis",
            Self::Database => "database",
        }
    }
}

/// Returns SQL for an id of the database of a URL in hexadecimal digits.
pub(super) fn hexadecimal(url: &str, id: &str) -> String {
    if url.starts_with("mysql://") {
        format!("LOWER(HEX({id}))")
    } else {
        format!("REPLACE(CAST({id} AS text), '-', '')")
    }
}
