//! A server's life: start, kill, stop, restart, freeze.

use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use tokio::time::Instant;
use tokio::time::timeout;

use super::installation::Installation;
use super::shared_server::SharedServer;
use super::starter;
use crate::Process;
use crate::descendants;

/// How long a start may take on a busy machine, with set-up or recovery.
const START: Duration = Duration::from_secs(60);

/// How long a graceful stop may take, which writes back what is in memory.
const STOP: Duration = Duration::from_secs(60);

/// How long one question whether the server answers may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a killed process may take to be gone: the kernel frees its memory first.
const DEATH: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(5);

/// A kind of server; its values are the settings of one server.
pub trait Kind: Send + Sync + 'static {
    /// The name in messages.
    const NAME: &'static str;

    /// The user that the server's package brings.
    const ACCOUNT: &'static str;

    /// The signal on which the server stops without waiting for its clients.
    const STOP: Signal;

    /// Sets up the empty directory, once.
    fn prepare(&self, installation: &Installation) -> impl Future<Output = ()> + Send;

    /// Returns the command that becomes the server.
    fn command(&self, installation: &Installation) -> Command;

    /// Returns whether the server answers now.
    fn answers(&self, installation: &Installation) -> impl Future<Output = bool> + Send;
}

/// A server that belongs to one test; killed and removed when dropped.
///
/// When the test panics, the end of the server's log goes to standard error.
#[derive(Debug)]
pub struct Server<K: Kind> {
    pub(super) kind: K,
    pub(super) installation: Installation,
    /// None after [`Server::kill`] and [`Server::stop`], and where another process has started it.
    running: Option<Child>,
}

impl<K: Kind> Server<K> {
    /// Returns the server that all test processes share if there is one, else starts one for this process.
    pub(super) async fn shared_or_new() -> Self
    where
        K: Default,
    {
        let Some(SharedServer { directory, port }) = SharedServer::of_environment(K::NAME) else {
            return Self::start_new(K::default()).await;
        };
        let installation = Installation::of_another(K::ACCOUNT, directory, port);
        Self { kind: K::default(), installation, running: None }
    }

    /// Returns where other processes find this server.
    pub(super) fn share(&self) -> SharedServer {
        SharedServer { directory: self.installation.directory().to_owned(), port: self.port() }
    }

    pub(super) async fn start_new(kind: K) -> Self {
        let installation = Installation::create(K::NAME, K::ACCOUNT);
        kind.prepare(&installation).await;
        let mut server = Self { kind, installation, running: None };
        server.restart().await;
        server
    }

    /// Returns the server's port on 127.0.0.1, which is the same in all its lives.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.installation.port()
    }

    /// Returns the id of the server's main process.
    ///
    /// # Panics
    ///
    /// When it does not run, or another process has started it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        let child = self.running.as_ref().unwrap_or_else(|| panic!("{} does not run", K::NAME));
        i32::try_from(child.id()).expect("a pid")
    }

    /// Returns the end of what the server wrote, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        self.installation.log()
    }

    /// Starts the server again after [`Server::kill`] or [`Server::stop`] and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it still runs, and with its log when it does not answer within a minute.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "{} still runs", K::NAME);
        let child = starter::start(self.kind.command(&self.installation));
        self.running = Some(child.unwrap_or_else(|error| panic!("{} cannot be started: {error}", K::NAME)));
        if timeout(START, self.wait_until_it_answers()).await.is_err() {
            self.kill();
            panic!("{} does not answer after {START:?}\n{}", K::NAME, self.log());
        }
    }

    async fn wait_until_it_answers(&mut self) {
        while !timeout(ANSWER, self.kind.answers(&self.installation)).await.unwrap_or(false) {
            if let Some(status) = self.exit_status() {
                self.running = None;
                panic!("{} ended: {status}\n{}", K::NAME, self.log());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Kills the server and all its processes with SIGKILL, and blocks for some milliseconds until they are gone.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut child = self.running.take().unwrap_or_else(|| panic!("{} does not run", K::NAME));
        end(&mut child);
    }

    /// Stops the server as an administrator would, and waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not run, and with its log when it does not stop within a minute.
    pub async fn stop(&mut self) {
        signal(self.pid(), K::STOP);
        let ended = timeout(STOP, async {
            while self.exit_status().is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        });
        if ended.await.is_err() {
            self.kill();
            panic!("{} does not stop\n{}", K::NAME, self.log());
        }
        self.running = None;
    }

    /// Returns how the server has ended, if it has.
    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.running.as_mut()?.try_wait().expect("a child can be waited for")
    }

    /// Freezes the server with SIGSTOP. It still accepts connections, which the kernel does for it, but says nothing.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn pause(&self) {
        freeze(self.pid());
    }

    /// Lets a paused server continue with SIGCONT.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn resume(&self) {
        let pid = self.pid();
        descendants(pid).iter().map(|process| process.pid).chain([pid]).for_each(|pid| signal(pid, Signal::CONT));
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        end(&mut child);
        if thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failed test has to show what the server said")]
            {
                eprintln!("---- end of the log of {} ----\n{}----", K::NAME, self.log());
            }
        }
    }
}

/// Stops a process before its children, so that it cannot start more of them meanwhile.
fn freeze(pid: i32) {
    signal(pid, Signal::STOP);
    descendants(pid).iter().for_each(|process| signal(process.pid, Signal::STOP));
}

/// Kills a process with all its descendants and waits until they are gone.
fn end(child: &mut Child) {
    // After it was waited for, its number may belong to another process.
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    let pid = i32::try_from(child.id()).expect("a pid");
    freeze(pid);
    let family = descendants(pid);
    child.kill().ok();
    family.iter().for_each(Process::kill);
    child.wait().ok();
    let end = Instant::now() + DEATH;
    while family.iter().any(Process::is_alive) && Instant::now() < end {
        thread::sleep(PAUSE);
    }
}

fn signal(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a pid is not zero");
    // It may have ended by itself.
    kill_process(pid, signal).ok();
}
