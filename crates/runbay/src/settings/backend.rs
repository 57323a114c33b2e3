//! Where rows, queue and events are.

use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use runbay_redis::Address;
use runbay_redis::Prefix;
use runbay_store::DatabaseSettings;
use runbay_store::DatabaseUrl;
use serde::Deserialize;

use super::given::Group;
use super::secret::Secret;
use super::words::whole_number;

/// Where rows, queue and events are, as an operator writes it.
#[derive(Debug, Args, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenBackend {
    /// Database server, such as postgres://user:password@host/runbay or mysql://... [default: SQLite in the data directory]
    #[arg(long, env = "RUNBAY_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<Secret>,

    /// Copy of the database that lists are read from [default: the database itself]
    #[arg(long, env = "RUNBAY_DATABASE_READ_URL", value_name = "URL", hide_env_values = true)]
    database_read_url: Option<Secret>,

    /// Connections to the database server that this process may have [default: 16]
    #[arg(long, env = "RUNBAY_DATABASE_CONNECTIONS", value_name = "COUNT", value_parser = whole_number::<u32>)]
    database_connections: u32,

    /// Redis for the queue and for events, such as redis://:password@host or rediss://... [default: in memory]
    #[arg(long, env = "RUNBAY_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<Secret>,

    /// What the names of all keys in Redis begin with; two installations need different ones [default: runbay]
    #[arg(long, env = "RUNBAY_REDIS_PREFIX", value_name = "PREFIX")]
    redis_prefix: Option<String>,
}

/// Where rows, queue and events are.
#[derive(Debug, Clone)]
pub(crate) struct BackendSettings {
    pub(crate) database: DatabaseUrl,
    pub(crate) database_copy: Option<DatabaseUrl>,
    pub(crate) database_connections: u32,
    pub(crate) redis: Option<Address>,
    pub(crate) redis_prefix: Prefix,
}

impl Default for WrittenBackend {
    fn default() -> Self {
        Self {
            database_url: None,
            database_read_url: None,
            database_connections: DatabaseSettings::CONNECTIONS,
            redis_url: None,
            redis_prefix: None,
        }
    }
}

impl Group for WrittenBackend {
    type Settings = BackendSettings;

    fn complete(self) -> anyhow::Result<BackendSettings> {
        anyhow::ensure!(self.database_connections > 0, "database_connections must be at least 1");
        let prefix = self.redis_prefix.map(|prefix| prefix.parse()).transpose();
        let settings = BackendSettings {
            database: parsed("database_url", self.database_url)?.unwrap_or_default(),
            database_copy: parsed("database_read_url", self.database_read_url)?,
            database_connections: self.database_connections,
            redis: parsed("redis_url", self.redis_url)?,
            redis_prefix: prefix.context("redis_prefix cannot be used")?.unwrap_or_default(),
        };
        anyhow::ensure!(
            settings.database.is_server() || settings.database_copy.is_none(),
            "database_read_url is of use only beside a database_url that names a server"
        );
        Ok(settings)
    }
}

fn parsed<T>(name: &str, secret: Option<Secret>) -> anyhow::Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    secret.filter(|secret| !secret.is_empty()).map(|secret| secret.parse(name)).transpose()
}

impl BackendSettings {
    /// Refuses settings with which several processes could not work together; `command` is for messages.
    pub(crate) fn shared(self, command: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            self.database.is_server(),
            "runbay {command} needs a database server, which other processes use too: set RUNBAY_DATABASE_URL or \
             --database-url, as in postgres://user:password@host/runbay; runbay serve needs none"
        );
        anyhow::ensure!(
            self.redis.is_some(),
            "runbay {command} needs a Redis, which other processes use too: set RUNBAY_REDIS_URL or --redis-url, as \
             in redis://:password@host; runbay serve needs none"
        );
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    fn complete(database: &str, redis: &str) -> anyhow::Result<BackendSettings> {
        settings::<WrittenBackend>(&["--database-url", database, "--redis-url", redis], "")
    }

    #[test]
    fn without_any_everything_is_in_the_process() {
        let none = settings::<WrittenBackend>(&[], "").unwrap();
        assert_eq!(none.database, DatabaseUrl::SQLITE);
        assert!(none.redis.is_none());
        assert!(complete("", "").unwrap().redis.is_none(), "empty variables set nothing");
    }

    #[test]
    fn an_empty_variable_hides_nothing_of_the_file() {
        let file = "database_url = \"postgres://h/d\"\nredis_url = \"redis://h\"\n";
        let hidden = settings::<WrittenBackend>(&["--database-url=", "--redis-url="], file).unwrap();
        assert!(hidden.database.is_server() && hidden.redis.is_some());
        let other = settings::<WrittenBackend>(&["--redis-url=redis://other"], file).unwrap();
        assert_eq!(other.redis.unwrap().to_string(), "other:6379");
    }

    #[test]
    fn what_cannot_be_used_is_named_and_not_shown() {
        for (database, redis, name) in
            [("postgres://u:s3cret@h", "", "database_url"), ("", "http://:s3cret@h", "redis_url")]
        {
            let error = format!("{:#}", complete(database, redis).unwrap_err());
            assert!(error.starts_with(&format!("{name} cannot be used: ")) && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn several_processes_need_both() {
        let refusal = |settings: BackendSettings| settings.shared("api").unwrap_err().to_string();
        assert!(refusal(complete("", "redis://h").unwrap()).contains("set RUNBAY_DATABASE_URL"));
        assert!(refusal(complete("postgres://h/d", "").unwrap()).contains("set RUNBAY_REDIS_URL"));
        complete("postgres://h/d", "redis://h").unwrap().shared("api").unwrap();
    }
}
