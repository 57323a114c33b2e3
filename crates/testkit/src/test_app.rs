//! The real server as a child process.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::Client;
use crate::Log;
use crate::Process;
use crate::bay_uids;
use crate::descendants;

/// How long a start may take on a busy machine, with the version probes of all languages.
const START: Duration = Duration::from_secs(60);

/// How long a graceful stop may take, which waits for running programs.
const STOP: Duration = Duration::from_secs(60);

const LOG_END: Duration = Duration::from_secs(10);

/// A script that becomes the command after its first two arguments, in a mount namespace of its own.
const MOUNT: &str = r#"mkdir -p "$1"; mount -t tmpfs -o "$0" runbay-test "$1"; shift; exec "$@""#;

/// User numbers for the bays of one server; more than it has bays in any test.
const UIDS: u32 = 200;

/// Which part of the product to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Serve,
    Api,
    Worker,
}

/// How to start a server, which offers Python only unless it is told otherwise: the probes of all languages take longer
/// than most tests.
#[derive(Debug, Clone)]
pub struct Launch {
    role: Role,
    listen: String,
    disk: Option<String>,
    /// None for all that the host has.
    languages: Option<String>,
    first_bay_uid: u32,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    user: Option<u32>,
    directory: Arc<TempDir>,
}

/// A running server with a data directory of its own; killed when dropped.
///
/// When the test panics, the server's log goes to standard error.
#[derive(Debug)]
pub struct TestApp {
    /// A client of the server.
    pub client: Client,
    /// What the server wrote, over all its lives.
    pub log: Log,
    launch: Launch,
    child: Child,
    pid: i32,
    reader: JoinHandle<()>,
}

/// How a server ended.
#[derive(Debug)]
pub struct Exit {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// How long it took to end.
    pub took: Duration,
}

/// A server that ended instead of listening.
#[derive(Debug)]
pub struct Refused {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What it wrote.
    pub log: Log,
}

impl Default for Launch {
    fn default() -> Self {
        let directory = tempfile::Builder::new().prefix("runbay-test-").tempdir().expect("a temporary directory");
        Self {
            role: Role::Serve,
            listen: "127.0.0.1:0".to_owned(),
            disk: None,
            languages: Some("python".to_owned()),
            first_bay_uid: bay_uids(UIDS),
            args: Vec::new(),
            env: Vec::new(),
            user: None,
            directory: Arc::new(directory),
        }
    }
}

impl Launch {
    /// Starts `runbay api` over a database server and a Redis.
    #[must_use]
    pub fn api(database_url: &str, redis_url: &str) -> Self {
        Self { role: Role::Api, ..Self::default() }.database(database_url).redis(redis_url)
    }

    /// Starts `runbay worker` over a database server and a Redis. Its client reaches what it answers to operators.
    #[must_use]
    pub fn worker(database_url: &str, redis_url: &str) -> Self {
        Self { role: Role::Worker, ..Self::default() }.database(database_url).redis(redis_url)
    }

    /// Uses a database server instead of SQLite.
    #[must_use]
    pub fn database(self, url: &str) -> Self {
        self.env("RUNBAY_DATABASE_URL", url)
    }

    /// Uses a Redis for queue and events.
    #[must_use]
    pub fn redis(self, url: &str) -> Self {
        self.env("RUNBAY_REDIS_URL", url)
    }

    /// Listens on this address instead of a free IPv4 loopback port.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Puts the data directory on a new file system in memory that only this server sees.
    ///
    /// It is mounted with `options` (tmpfs(5)), and empty after each start.
    #[must_use]
    pub fn disk(mut self, options: &str) -> Self {
        self.disk = Some(options.to_owned());
        self
    }

    /// Starts the server as an ordinary user, which needs no account.
    ///
    /// # Panics
    ///
    /// If the program cannot be put where that user can reach it.
    #[must_use]
    pub fn ordinary_user(mut self, uid: u32) -> Self {
        let directory = self.directory.path();
        // A process of its own copies the file. A child that another test forks meanwhile would have it open for
        // writing, too, and the kernel does not execute such a file (ETXTBSY).
        let copied = std::process::Command::new("cp").arg(binary()).arg(directory.join("runbay")).status();
        assert!(copied.is_ok_and(|status| status.success()), "the program can be copied");
        std::os::unix::fs::chown(directory, Some(uid), Some(uid)).expect("the directory can be given away");
        self.user = Some(uid);
        self
    }

    /// Offers these languages, separated by commas.
    #[must_use]
    pub fn languages(mut self, ids: &str) -> Self {
        self.languages = Some(ids.to_owned());
        self
    }

    /// Offers every language that the host has.
    #[must_use]
    pub fn every_language(mut self) -> Self {
        self.languages = None;
        self
    }

    /// Takes the same user numbers for bays as another server.
    #[must_use]
    pub fn bay_uids_of(mut self, other: &TestApp) -> Self {
        self.first_bay_uid = other.launch.first_bay_uid;
        self
    }

    /// Adds a command line argument after those of the kit.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds an environment variable; the server has no others except `PATH`.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Panics
    ///
    /// With the log when it does not.
    pub async fn start(self) -> TestApp {
        self.try_start().await.unwrap_or_else(|refused| panic!("the server ended: {}\n{}", refused.status, refused.log))
    }

    /// Starts the server and waits until it listens or has ended.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it ended.
    pub async fn try_start(self) -> Result<TestApp, Refused> {
        TestApp::spawn(self, Log::default()).await
    }

    /// Returns the data directory, which need not exist yet.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self) -> Command {
        let mut command = match (&self.disk, self.user) {
            (None, None) => Command::new(binary()),
            (None, Some(uid)) => {
                let mut command = Command::new(self.directory.path().join("runbay"));
                command.uid(uid).gid(uid);
                command
            }
            (Some(options), _) => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-ec", MOUNT, options]).arg(self.data_directory()).arg(binary());
                command
            }
        };
        match self.role {
            Role::Serve => command.args(["serve", "--data-dir"]).arg(self.data_directory()),
            Role::Api => command.arg("api"),
            Role::Worker => command.arg("worker"),
        };
        command
            .args(["--listen", &self.listen])
            .args(&self.args)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            // Tests share their machine with many others, and servers on one host need different users for their bays.
            .env("RUNBAY_REQUEST_SECONDS", "30")
            .env("RUNBAY_FIRST_BAY_UID", self.first_bay_uid.to_string())
            .envs(self.languages.iter().map(|ids| ("RUNBAY_LANGUAGES", ids)))
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

impl TestApp {
    /// Starts a server that offers Python, with default settings.
    pub async fn start() -> Self {
        Launch::default().start().await
    }

    /// Starts a server that offers these languages, separated by commas.
    pub async fn with_languages(ids: &str) -> Self {
        Launch::default().languages(ids).start().await
    }

    async fn spawn(launch: Launch, log: Log) -> Result<Self, Refused> {
        let mut child = launch.command().spawn().expect("the server can be started");
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).expect("a child that was not waited for");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (found, mut address) = watch::channel(None);
        let follower = log.clone();
        let reader = tokio::spawn(async move {
            follower
                .follow(stderr, |line| {
                    if line.field("message") == "listening" {
                        found.send_replace(line.field("server.address").as_str().map(str::to_owned));
                    }
                })
                .await;
        });
        tokio::select! {
            Some(address) = async { address.wait_for(Option::is_some).await.ok()?.clone() } => {
                let client = Client::new(&address);
                Ok(Self { client, log, launch, child, pid, reader })
            }
            status = child.wait() => {
                let status = status.expect("a child can be waited for");
                timeout(LOG_END, reader).await.ok();
                Err(Refused { status, log })
            }
            () = tokio::time::sleep(START) => panic!("the server does not listen after {START:?}\n{log}"),
        }
    }

    /// Returns the server's data directory.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.launch.data_directory()
    }

    /// Returns a path by which others see what the server sees at the absolute `path`.
    #[must_use]
    pub fn seen_by_server(&self, path: &Path) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join("root").join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Returns the id of the server's process.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// Returns the way in which the server was started, to start a second one on the same data directory.
    #[must_use]
    pub fn launch(&self) -> Launch {
        self.launch.clone()
    }

    /// Returns the server's own process, for example to freeze it.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::find(self.pid).expect("the server lives")
    }

    /// Returns every living process that the server has started, directly or indirectly.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        descendants(self.pid)
    }

    /// Kills the server with SIGKILL; what it started may still live for a moment.
    pub async fn kill(&mut self) {
        self.child.start_kill().expect("the server has not been waited for");
        self.wait_for_exit().await;
    }

    /// Asks the server to stop with SIGTERM and waits until it has.
    ///
    /// # Panics
    ///
    /// With the log when it does not stop within a minute.
    pub async fn terminate(&mut self) -> Exit {
        let start = Instant::now();
        let pid = Pid::from_raw(self.pid).expect("a pid is not zero");
        kill_process(pid, Signal::TERM).expect("the server lives");
        let status = self.wait_for_exit().await;
        let took = start.elapsed();
        // The log is whole when everything that holds its pipe has ended.
        timeout(LOG_END, &mut self.reader).await.ok();
        Exit { status, took }
    }

    /// Starts the server again on the same data directory after [`TestApp::kill`] or [`TestApp::terminate`].
    pub async fn restart(&mut self) {
        let started = Self::spawn(self.launch.clone(), self.log.clone()).await;
        let next = started.unwrap_or_else(|refused| panic!("no restart: {}\n{}", refused.status, refused.log));
        *self = next;
    }

    /// Waits until the server has ended by itself.
    ///
    /// # Panics
    ///
    /// With the log when it does not end within a minute.
    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        match timeout(STOP, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("the server does not stop\n{}", self.log),
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failed test has to show what the server said")]
            {
                eprintln!("---- log of the server {} ----\n{}----", self.pid, self.log);
            }
        }
    }
}

/// Finds the product's binary beside the directory of the test executable.
///
/// # Panics
///
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let tests = env::current_exe().expect("a test has an executable");
    let path = tests.ancestors().nth(2).unwrap_or_else(|| Path::new("/")).join("runbay");
    assert!(path.exists(), "{} is missing: run `cargo build` first", path.display());
    path
}
