//! A private Redis.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

use super::certificate::Certificate;
use super::certificate::chain_file;
use super::certificate::key_file;
use super::installation::Installation;
use super::installation::program;
use super::server::Kind;
use super::server::Server;

/// A running Redis. It keeps everything in memory: after a restart it is empty.
pub type RedisServer = Server<Redis>;

/// How to start a Redis.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    password: Option<String>,
    certificate: Option<Arc<Certificate>>,
    is_replica: bool,
    args: Vec<OsString>,
}

impl Redis {
    /// Asks every client for a password of letters and digits.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Makes it a read-only copy of another Redis without a password. It answers when it has everything.
    #[must_use]
    pub fn replica_of(mut self, primary: &RedisServer) -> Self {
        self.is_replica = true;
        self.args(["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.port().to_string()])
    }

    /// Takes clients over TLS only, and shows them this certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: &Arc<Certificate>) -> Self {
        self.certificate = Some(Arc::clone(certificate));
        self
    }

    /// Adds command line arguments, which are lines of redis.conf with two dashes before them.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// With its log when it does not answer within a minute.
    pub async fn start(self) -> RedisServer {
        Server::start_new(self).await
    }
}

impl RedisServer {
    /// Starts a Redis with default settings.
    pub async fn start() -> Self {
        Redis::default().start().await
    }

    /// Returns the one server that all tests share, each with a database of its own.
    ///
    /// It is that of [`SharedServers`](crate::SharedServers) if there is one, else one of this process.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<RedisServer> = OnceCell::const_new();
        SHARED.get_or_init(Self::shared_or_new).await
    }

    /// Makes a replica a primary.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn promote(&self) {
        assert_eq!(self.ask("REPLICAOF NO ONE").await, "+OK\r\n");
    }

    /// Sends a command of plain words, and returns the beginning of the answer as the protocol has it.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn ask(&self, command: &str) -> String {
        ask(&socket(&self.installation), command).await.expect("an answer")
    }

    /// Returns the URL of an empty database, of which there are a thousand; channels are common to all of them.
    ///
    /// The server counts them itself, in its first database, since other processes may share it.
    ///
    /// # Panics
    ///
    /// When the server does not answer, or asks for a password.
    pub async fn database(&self) -> String {
        let answer = self.ask("INCR databases").await;
        let number = answer.trim_end().strip_prefix(':');
        format!("{}/{}", self.url(), number.unwrap_or_else(|| panic!("no number: {answer}")))
    }

    /// Returns the address as a URL, with the password if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.kind.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        let scheme = if self.kind.certificate.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://{password}127.0.0.1:{}", self.port())
    }
}

impl Kind for Redis {
    const NAME: &'static str = "redis";
    const ACCOUNT: &'static str = "redis";
    const STOP: Signal = Signal::TERM;

    async fn prepare(&self, installation: &Installation) {
        if let Some(certificate) = &self.certificate {
            certificate.install(installation);
        }
    }

    fn command(&self, installation: &Installation) -> Command {
        let mut command = installation.command(&program("redis-server", "redis-server"));
        let port = installation.port().to_string();
        command.args(["--bind", "127.0.0.1"]).arg("--unixsocket").arg(socket(installation));
        if self.certificate.is_some() {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command
                .arg("--tls-cert-file")
                .arg(chain_file(installation))
                .arg("--tls-key-file")
                .arg(key_file(installation));
        } else {
            command.args(["--port", &port]);
        }
        // A replica gets its copy at once; by default the server waits five seconds for others that want the same.
        command.args(["--repl-diskless-sync-delay", "0"]);
        command.args(["--save", "", "--appendonly", "no", "--databases", "1001"]);
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        command.args(&self.args);
        command
    }

    async fn answers(&self, installation: &Installation) -> bool {
        let ask = async |command| ask(&socket(installation), command).await.unwrap_or_default();
        let answer = ask("PING").await;
        if self.is_replica {
            return ask("INFO replication").await.contains("master_link_status:up");
        }
        answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")
    }
}

/// Returns the socket for questions whether the server runs, which works while its port wants TLS.
fn socket(installation: &Installation) -> PathBuf {
    installation.directory().join("socket")
}

/// Returns the beginning of the answer to a command.
async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{command}\r\n").as_bytes()).await?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
