//! Whether a Redis can be used.

use redis::Script;

use crate::Error;
use crate::Prefix;
use crate::Redis;
use crate::Trouble;

/// What a check has found about a server that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The version, if the server tells.
    pub version: Option<String>,
    /// What should be better.
    pub advice: Vec<Advice>,
}

/// Something that works but should be better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Advice {
    /// Keys may vanish.
    #[error(
        "Redis drops keys when its memory is full (maxmemory-policy is {policy}): set it to noeviction, else \
         executions may wait until they are swept back into the queue"
    )]
    Eviction {
        /// The policy of the server.
        policy: String,
    },
    /// The settings cannot be seen.
    #[error("Redis does not tell this user its version and settings: permit INFO, or check that it is 6.2 or newer")]
    Unseen,
}

impl Redis {
    /// Checks that the server is there, is new enough and can be written to under `prefix`.
    ///
    /// # Errors
    ///
    /// [`Error`] with the next step to take.
    pub async fn check(&self, prefix: &Prefix) -> Result<Checked, Error> {
        let info = match self.query::<String>(&redis::cmd("INFO")).await {
            Ok(text) => Some(Info(text)),
            Err(Error { trouble: Trouble::NotPermitted(_), .. }) => None,
            Err(error) => return Err(error),
        };
        let mut checked = Checked { version: None, advice: Vec::new() };
        if let Some(info) = &info {
            info.refuse().map_err(|trouble| Error::new(self.address(), trouble))?;
            checked.version = info.version().map(ToOwned::to_owned);
            checked.advice.extend(info.eviction());
        } else {
            checked.advice.push(Advice::Unseen);
        }
        self.try_out(prefix).await?;
        Ok(checked)
    }

    /// Tries the commands of the queue and the events, first one by one, as a script hides which right is missing.
    async fn try_out(&self, prefix: &Prefix) -> Result<(), Error> {
        let name = format!("{prefix}:check");
        self.query::<()>(redis::cmd("SET").arg(&name).arg(1).arg("EX").arg(10)).await?;
        self.query::<()>(redis::cmd("PUBLISH").arg(&name).arg(1)).await?;
        let script = Script::new("return redis.call('EXPIRE', KEYS[1], 10)");
        self.script(script.prepare_invoke().key(&name)).await
    }
}

/// The server's answer to INFO: lines of name and value.
struct Info(String);

impl Info {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
    }

    fn version(&self) -> Option<&str> {
        self.get("valkey_version").or(self.get("redis_version"))
    }

    fn refuse(&self) -> Result<(), Trouble> {
        // Valkey names here the version of Redis that it is compatible with.
        let version = self.get("redis_version").ok_or(Trouble::Stranger)?;
        if older_than_6_2(version) {
            return Err(Trouble::TooOld(version.to_owned()));
        }
        if self.get("redis_mode") == Some("cluster") {
            return Err(Trouble::Cluster);
        }
        if self.get("role") == Some("slave") {
            return Err(Trouble::Replica);
        }
        Ok(())
    }

    fn eviction(&self) -> Option<Advice> {
        let policy = self.get("maxmemory_policy").filter(|policy| *policy != "noeviction")?;
        (self.get("maxmemory") != Some("0")).then(|| Advice::Eviction { policy: policy.to_owned() })
    }
}

fn older_than_6_2(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(lines: &[&str]) -> Info {
        Info(lines.join("\r\n"))
    }

    #[test]
    fn the_version_decides() {
        for version in ["6.2.0", "6.10.1", "7.0.15", "8.2.0", "10.0.0"] {
            assert_eq!(info(&["# Server", &format!("redis_version:{version}")]).refuse(), Ok(()));
        }
        for version in ["6.0.16", "5.0.7", "2.8", ""] {
            let refused = info(&[&format!("redis_version:{version}")]).refuse();
            assert_eq!(refused, Err(Trouble::TooOld(version.to_owned())));
        }
    }

    #[test]
    fn replicas_and_clusters_are_refused() {
        assert_eq!(info(&["redis_version:7.0.0", "role:slave"]).refuse(), Err(Trouble::Replica));
        assert_eq!(info(&["redis_version:7.0.0", "redis_mode:cluster"]).refuse(), Err(Trouble::Cluster));
        assert_eq!(info(&["redis_version:7.0.0", "redis_mode:standalone", "role:master"]).refuse(), Ok(()));
        assert_eq!(info(&["role:master"]).refuse(), Err(Trouble::Stranger));
    }

    #[test]
    fn keys_that_may_vanish_are_worth_a_word() {
        let policy = "maxmemory_policy:allkeys-lru";
        assert!(info(&["maxmemory:100", policy]).eviction().is_some());
        assert!(info(&["maxmemory:0", policy]).eviction().is_none());
        assert!(info(&["maxmemory:100", "maxmemory_policy:noeviction"]).eviction().is_none());
    }
}
