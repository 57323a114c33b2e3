//! Where rows, queue and events are.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use runbay_redis::Address;
use runbay_redis::Prefix;
use runbay_store::DatabaseSettings;
use runbay_store::DatabaseUrl;
use serde::Deserialize;

use super::SettingsFile;

/// Where rows, queue and events are.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct BackendFlags {
    /// Database server, such as postgres://user:password@host/runbay or mysql://... [default: SQLite in the data directory]
    #[arg(long, env = "RUNBAY_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<Secret>,

    /// Copy of the database that lists are read from [default: the database itself]
    #[arg(long, env = "RUNBAY_DATABASE_READ_URL", value_name = "URL", hide_env_values = true)]
    database_read_url: Option<Secret>,

    /// Connections to the database server that this process may have [default: 16]
    #[arg(long, env = "RUNBAY_DATABASE_CONNECTIONS", value_name = "COUNT")]
    database_connections: Option<u32>,

    /// Redis for the queue and for events, such as redis://:password@host or rediss://... [default: in memory]
    #[arg(long, env = "RUNBAY_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<Secret>,

    /// What the names of all keys in Redis begin with; two installations need different ones [default: runbay]
    #[arg(long, env = "RUNBAY_REDIS_PREFIX", value_name = "PREFIX")]
    redis_prefix: Option<String>,
}

/// A text with a password in it: what is wrong with it is told without showing it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct Secret(String);

/// Where rows, queue and events are, complete.
#[derive(Debug, Clone)]
pub(crate) struct BackendSettings {
    pub(crate) database: DatabaseUrl,
    pub(crate) database_copy: Option<DatabaseUrl>,
    pub(crate) database_connections: u32,
    pub(crate) redis: Option<Address>,
    pub(crate) redis_prefix: Prefix,
}

impl BackendFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<BackendSettings> {
        let file: Self = file.group()?;
        let connections = self.database_connections.or(file.database_connections);
        anyhow::ensure!(connections != Some(0), "database_connections must be at least 1");
        let prefix = self.redis_prefix.or(file.redis_prefix);
        let settings = BackendSettings {
            database: parsed("database_url", self.database_url, file.database_url)?.unwrap_or_default(),
            database_copy: parsed("database_read_url", self.database_read_url, file.database_read_url)?,
            database_connections: connections.unwrap_or(DatabaseSettings::CONNECTIONS),
            redis: parsed("redis_url", self.redis_url, file.redis_url)?,
            redis_prefix: prefix
                .map(|prefix| prefix.parse())
                .transpose()
                .context("redis_prefix cannot be used")?
                .unwrap_or_default(),
        };
        anyhow::ensure!(
            settings.database.is_server() || settings.database_copy.is_none(),
            "database_read_url is of use only beside a database_url that names a server"
        );
        Ok(settings)
    }
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

fn parsed<T>(name: &str, flag: Option<Secret>, file: Option<Secret>) -> anyhow::Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    // An empty variable is how files with environments leave one out.
    let given = |text: Option<Secret>| text.filter(|text| !text.0.is_empty());
    let text = given(flag).or(given(file));
    text.map(|text| text.0.parse()).transpose().with_context(|| format!("{name} cannot be used"))
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    fn complete(database: &str, redis: &str) -> anyhow::Result<BackendSettings> {
        let flags = BackendFlags {
            database_url: Some(Secret(database.to_owned())),
            redis_url: Some(Secret(redis.to_owned())),
            ..BackendFlags::default()
        };
        flags.complete(&SettingsFile::default())
    }

    #[test]
    fn without_any_everything_is_in_the_process() {
        let settings = BackendFlags::default().complete(&SettingsFile::default()).unwrap();
        assert_eq!(settings.database, DatabaseUrl::SQLITE);
        assert!(settings.redis.is_none());
        assert!(complete("", "").unwrap().redis.is_none(), "empty variables set nothing");
    }

    #[test]
    fn an_empty_variable_hides_nothing_of_the_file() {
        let file = file("database_url = \"postgres://h/d\"\nredis_url = \"redis://h\"\n").unwrap();
        let empty = || Some(Secret(String::new()));
        let flags = BackendFlags { database_url: empty(), redis_url: empty(), ..BackendFlags::default() };
        let settings = flags.complete(&file).unwrap();
        assert!(settings.database.is_server() && settings.redis.is_some());
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
