//! Servers that all test processes of one run share.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::mariadb::MariaDb;
use super::mariadb::MariaDbServer;
use super::postgres::Postgres;
use super::postgres::PostgresServer;
use super::redis::Redis;
use super::redis::RedisServer;
use super::server::Kind;

/// A PostgreSQL, a MariaDB and a Redis for a command and everything that it starts.
///
/// Runners that give each test a process of its own would start them for each test otherwise.
#[derive(Debug)]
pub struct SharedServers {
    postgres: PostgresServer,
    mariadb: MariaDbServer,
    redis: RedisServer,
}

/// Where a shared server is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SharedServer {
    pub(super) directory: PathBuf,
    pub(super) port: u16,
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

impl SharedServer {
    /// Returns the one that the environment names.
    pub(super) fn of_environment(name: &str) -> Option<Self> {
        let text = env::var(variable(name)).ok()?;
        Some(Self::of_text(&text).unwrap_or_else(|| panic!("{} is {text:?}, no port and directory", variable(name))))
    }

    fn to_text(&self) -> String {
        format!("{}:{}", self.port, self.directory.display())
    }

    fn of_text(text: &str) -> Option<Self> {
        let (port, directory) = text.split_once(':')?;
        Some(Self { directory: PathBuf::from(directory), port: port.parse().ok()? })
    }
}

/// Returns the environment variable with the port and the directory of a server.
fn variable(name: &str) -> String {
    format!("RUNBAY_TEST_{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_by_what_was_announced() {
        let server = SharedServer { directory: PathBuf::from("/tmp/a:b"), port: 7 };
        assert_eq!(SharedServer::of_text(&server.to_text()), Some(server));
        assert_eq!(SharedServer::of_text("/tmp/a"), None);
    }
}
