//! Servers that all test processes of one run share.

use std::process::Command;

use super::mariadb::MariaDb;
use super::mariadb::MariaDbServer;
use super::postgres::Postgres;
use super::postgres::PostgresServer;
use super::redis::Redis;
use super::redis::RedisServer;
use super::server::Kind;
use super::shared_server::variable;

/// A PostgreSQL, a MariaDB and a Redis for a command and everything that it starts.
///
/// Runners that give each test a process of its own would start them for each test otherwise.
#[derive(Debug)]
pub struct SharedServers {
    postgres: PostgresServer,
    mariadb: MariaDbServer,
    redis: RedisServer,
}

impl SharedServers {
    /// Starts all three at the same time.
    ///
    /// # Panics
    ///
    /// With the log of one that does not start.
    pub async fn start() -> Self {
        let (postgres, mariadb, redis) =
            tokio::join!(PostgresServer::start(), MariaDbServer::start(), RedisServer::start());
        Self { postgres, mariadb, redis }
    }

    /// Tells a command where they are.
    pub fn announce(&self, command: &mut Command) {
        command.env(variable(Postgres::NAME), self.postgres.share().to_text());
        command.env(variable(MariaDb::NAME), self.mariadb.share().to_text());
        command.env(variable(Redis::NAME), self.redis.share().to_text());
    }

    /// Keeps a command from knowing of any.
    pub fn conceal(command: &mut Command) {
        for name in [Postgres::NAME, MariaDb::NAME, Redis::NAME] {
            command.env_remove(variable(name));
        }
    }
}
