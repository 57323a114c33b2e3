//! Settings: defaults, then `runbay.toml`, then the environment, then flags; the later one wins.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::limit_list::LimitList;
use crate::limit_list::LimitSettings;
use crate::sandbox::FIRST_BAY_UID;

/// What can be set for `runbay serve`. The keys of the file are the names of the flags with `_` for `-`.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeFlags {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "RUNBAY_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Directory for the database, its own or empty; made if it does not exist [default: ./data]
    #[arg(long, env = "RUNBAY_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,

    /// Account to run as after the start, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,

    /// Executions that run at one time [default: by cores and memory]
    #[arg(long, env = "RUNBAY_SLOTS", value_name = "COUNT")]
    slots: Option<usize>,

    /// Languages to offer, separated by commas [default: all that this host has]
    #[arg(long, env = "RUNBAY_LANGUAGES", value_name = "IDS", value_delimiter = ',')]
    languages: Option<Vec<String>>,

    /// Folder with recipes of more languages, or of the same in another way
    #[arg(long, env = "RUNBAY_LANGUAGES_DIR", value_name = "DIRECTORY")]
    languages_dir: Option<PathBuf>,

    /// Limits where neither language nor request has others, such as wall_time_ms=2000,processes=32 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_DEFAULT_LIMITS", value_name = "LIMITS")]
    default_limits: Option<LimitList>,

    /// The most that requests may choose, such as wall_time_ms=60000 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_MAX_LIMITS", value_name = "LIMITS")]
    max_limits: Option<LimitList>,

    /// Memory for what was compiled, to be used again for the same code; 0 for none [default: 268435456]
    #[arg(long, env = "RUNBAY_COMPILE_CACHE_BYTES", value_name = "BYTES")]
    compile_cache_bytes: Option<u64>,

    /// Use what was compiled for one tenant for others with the same code
    #[arg(long, env = "RUNBAY_SHARE_COMPILE_CACHE")]
    share_compile_cache: bool,

    /// Executions that may wait; further ones are refused with 503 [default: 10000]
    #[arg(long, env = "RUNBAY_QUEUE_MAX_DEPTH", value_name = "COUNT")]
    queue_max_depth: Option<usize>,

    /// Runs of one session that are accepted within any 60 seconds, 0 for any number; further ones are refused with 429 [default: 60]
    #[arg(long, env = "RUNBAY_SESSION_RUNS_PER_MINUTE", value_name = "COUNT")]
    session_runs_per_minute: Option<u32>,

    /// Milliseconds after the acceptance of a run in which its session is refused another with 429 [default: 0]
    #[arg(long, env = "RUNBAY_SESSION_COOLDOWN_MS", value_name = "MILLISECONDS")]
    session_cooldown_ms: Option<u64>,

    /// Seconds that running executions get to end when the server is stopped [default: 10]
    #[arg(long, env = "RUNBAY_DRAIN_SECONDS", value_name = "SECONDS")]
    drain_seconds: Option<u64>,

    /// First of the user numbers that bays run as; two servers on one host need different ones [default: 1879049216]
    #[arg(long, env = "RUNBAY_FIRST_BAY_UID", value_name = "UID")]
    first_bay_uid: Option<u32>,

    /// Serve other machines even if programs cannot be limited as they should be, see `runbay doctor`
    #[arg(long, env = "RUNBAY_ALLOW_DEGRADED")]
    allow_degraded: bool,

    /// What to log, such as info, debug or warn,runbay=debug [default: info]
    #[arg(long, env = "RUNBAY_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// The settings of `runbay serve`, complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServeSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) user: Option<String>,
    pub(crate) slots: Option<usize>,
    pub(crate) languages: Option<Vec<String>>,
    pub(crate) languages_dir: Option<PathBuf>,
    pub(crate) limits: LimitSettings,
    pub(crate) compile_cache_bytes: u64,
    pub(crate) share_compile_cache: bool,
    pub(crate) queue_max_depth: usize,
    pub(crate) session_runs_per_minute: u32,
    pub(crate) session_cooldown_ms: u64,
    pub(crate) drain_seconds: u64,
    pub(crate) first_bay_uid: u32,
    pub(crate) allow_degraded: bool,
    pub(crate) log: String,
}

impl ServeFlags {
    /// Fills in what flags and environment do not set from the file, if there is one, and from the defaults.
    pub(crate) fn complete(self, file: Option<&Path>) -> anyhow::Result<ServeSettings> {
        let file = file.map(read).transpose()?.unwrap_or_default();
        let first_bay_uid = self.first_bay_uid.or(file.first_bay_uid).unwrap_or(FIRST_BAY_UID);
        anyhow::ensure!(
            (65_536..=4_000_000_000).contains(&first_bay_uid),
            "first_bay_uid must be from 65536, below which accounts are, to 4000000000"
        );
        let limits = LimitSettings::new(
            self.default_limits.or(file.default_limits).unwrap_or_default(),
            self.max_limits.or(file.max_limits).unwrap_or_default(),
        )?;
        Ok(ServeSettings {
            listen: self.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            data_dir: self.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("./data")),
            user: self.user.or(file.user),
            slots: positive("slots", self.slots.or(file.slots))?,
            languages: self.languages.or(file.languages),
            languages_dir: self.languages_dir.or(file.languages_dir),
            limits,
            compile_cache_bytes: self.compile_cache_bytes.or(file.compile_cache_bytes).unwrap_or(256 * 1024 * 1024),
            share_compile_cache: self.share_compile_cache || file.share_compile_cache,
            queue_max_depth: positive("queue_max_depth", self.queue_max_depth.or(file.queue_max_depth))?
                .unwrap_or(10_000),
            session_runs_per_minute: self.session_runs_per_minute.or(file.session_runs_per_minute).unwrap_or(60),
            session_cooldown_ms: self.session_cooldown_ms.or(file.session_cooldown_ms).unwrap_or(0),
            drain_seconds: self.drain_seconds.or(file.drain_seconds).unwrap_or(10),
            first_bay_uid,
            allow_degraded: self.allow_degraded || file.allow_degraded,
            log: self.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<ServeFlags> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a valid configuration", path.display()))
}

fn positive(name: &str, value: Option<usize>) -> anyhow::Result<Option<usize>> {
    anyhow::ensure!(value != Some(0), "{name} must be at least 1");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = file("slots = 3\nlog = \"debug\"\n");
        let flags = ServeFlags { slots: Some(5), ..ServeFlags::default() };
        let settings = flags.complete(Some(file.path())).unwrap();
        assert_eq!((settings.slots, settings.log.as_str(), settings.queue_max_depth), (Some(5), "debug", 10_000));
    }

    #[test]
    fn a_session_has_its_pace_from_flags_and_file() {
        let defaults = ServeFlags::default().complete(None).unwrap();
        assert_eq!((defaults.session_runs_per_minute, defaults.session_cooldown_ms), (60, 0));
        let file = file("session_runs_per_minute = 5\nsession_cooldown_ms = 2000\n");
        let flags = ServeFlags { session_runs_per_minute: Some(0), ..ServeFlags::default() };
        let settings = flags.complete(Some(file.path())).unwrap();
        assert_eq!((settings.session_runs_per_minute, settings.session_cooldown_ms), (0, 2000));
    }

    #[test]
    fn limits_are_a_table_in_the_file() {
        let file = file("[default_limits]\nwall_time_ms = 700\n[max_limits]\ninodes = 300\n");
        let flags = ServeFlags { max_limits: Some("inodes=500".parse().unwrap()), ..ServeFlags::default() };
        let limits = flags.complete(Some(file.path())).unwrap().limits;
        assert_eq!((limits.default.wall_time_ms, limits.ranges.most.inodes), (700, 500));
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        for (text, problem) in [
            ("slot = 3\n", "unknown field `slot`"),
            ("[max_limits]\nwall_time = 5\n", "unknown field `wall_time`"),
            ("[default_limits]\ninodes = 1\n", "default_limits: inodes must be an integer from 256 to 16384"),
        ] {
            let file = file(text);
            let error = ServeFlags::default().complete(Some(file.path())).unwrap_err();
            assert!(format!("{error:#}").contains(problem), "{error:#}");
        }
    }

    #[test]
    fn bays_never_run_as_an_account() {
        for uid in [0, 1000, 65_535, u32::MAX] {
            let flags = ServeFlags { first_bay_uid: Some(uid), ..ServeFlags::default() };
            assert!(flags.complete(None).is_err(), "{uid}");
        }
    }

    #[test]
    fn zero_is_no_count() {
        let flags = ServeFlags { queue_max_depth: Some(0), ..ServeFlags::default() };
        assert_eq!(flags.complete(None).unwrap_err().to_string(), "queue_max_depth must be at least 1");
    }
}
