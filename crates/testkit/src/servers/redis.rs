//! A private Redis.

use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::place::Place;
use super::place::program;
use super::server::Kind;
use super::server::Server;

/// A running Redis. It keeps everything in memory: after a restart it is empty.
pub type RedisServer = Server<Redis>;

/// How to start a Redis.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    password: Option<String>,
    args: Vec<OsString>,
}

impl Redis {
    /// Asks every client for a password of letters and digits.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Makes it a read-only copy of another Redis without a password.
    #[must_use]
    pub fn replica_of(self, primary: &RedisServer) -> Self {
        self.args(["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.port().to_string()])
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

    /// Returns the one server that all tests of a process share, each with a database of its own.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<RedisServer> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// Returns the URL of an empty database, of which there are a thousand; channels are common to all of them.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!("{}/{}", self.url(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the address as a URL, with the password if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.kind.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port())
    }
}

impl Kind for Redis {
    const NAME: &'static str = "redis";
    const ACCOUNT: &'static str = "redis";
    const STOP: Signal = Signal::TERM;

    async fn prepare(&self, _: &Place) {}

    fn command(&self, place: &Place) -> Command {
        let mut command = place.command(&program("redis-server", "redis-server"));
        command.args(["--bind", "127.0.0.1", "--port"]).arg(place.port().to_string());
        command.arg("--unixsocket").arg(place.directory().join("socket"));
        command.args(["--save", "", "--appendonly", "no", "--databases", "1001"]);
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        command.args(&self.args);
        command
    }

    async fn answers(&self, place: &Place) -> bool {
        ping(place.port()).await.is_ok_and(|answer| matches!(&answer, b"+PONG\r\n" | b"-NOAUTH"))
    }
}

/// Returns the beginning of the answer to PING.
async fn ping(port: u16) -> io::Result<[u8; 7]> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
