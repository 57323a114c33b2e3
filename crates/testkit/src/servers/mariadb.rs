//! A private MariaDB.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::certificate::Certificate;
use super::certificate::chain_file;
use super::certificate::key_file;
use super::database::Database;
use super::database::new_name;
use super::installation::Installation;
use super::installation::program;
use super::server::Kind;
use super::server::Server;

/// Who may log in, see [`Database`]; one statement per line, run at every start.
const USERS: &str = "\
CREATE USER IF NOT EXISTS runbay@127.0.0.1, guarded@127.0.0.1 IDENTIFIED BY 'secret', reader@127.0.0.1;
GRANT ALL PRIVILEGES ON `test\\_%`.* TO runbay@127.0.0.1, guarded@127.0.0.1;
GRANT SELECT ON `test\\_%`.* TO reader@127.0.0.1;
";

/// The version of the protocol, with which a server greets when it takes connections.
const GREETING: u8 = 10;

/// A running MariaDB.
pub type MariaDbServer = Server<MariaDb>;

/// How to start a MariaDB.
///
/// What it acknowledged survives [`Server::kill`]: it writes the log of each commit to the kernel, which outlives it.
/// Only fsync is left out unless [`MariaDb::durable`] asks for it; it protects against the end of the kernel.
#[derive(Debug, Clone, Default)]
pub struct MariaDb {
    durable: bool,
    certificate: Option<Arc<Certificate>>,
    args: Vec<OsString>,
}

impl MariaDb {
    /// Syncs each commit to the disk, as in production; for measurements.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Takes clients over TLS only, and shows them this certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: &Arc<Certificate>) -> Self {
        self.certificate = Some(Arc::clone(certificate));
        self
    }

    /// Adds command line arguments, such as `--max-connections=5`.
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
    pub async fn start(self) -> MariaDbServer {
        Server::start_new(self).await
    }
}

impl MariaDbServer {
    /// Starts a MariaDB with default settings.
    pub async fn start() -> Self {
        MariaDb::default().start().await
    }

    /// Returns the one server that all tests share, each with a database of its own.
    ///
    /// It is that of [`SharedServers`](crate::SharedServers) if there is one, else one of this process.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<MariaDbServer> = OnceCell::const_new();
        SHARED.get_or_init(Self::shared_or_new).await
    }

    /// Makes an empty database.
    ///
    /// # Panics
    ///
    /// With the server's log when that fails.
    pub async fn database(&self) -> Database {
        let name = new_name();
        let mut command = self.installation.command(&program("mariadb", "mariadb-client-core"));
        command.args(["--no-defaults", "--user=root", &in_directory(&self.installation, "--socket", "socket")]);
        command.arg("--execute").arg(format!("CREATE DATABASE {name}"));
        self.installation.run(command).await;
        Database::new("mysql", self.port(), &name)
    }
}

impl Kind for MariaDb {
    const NAME: &'static str = "mariadb";
    const ACCOUNT: &'static str = "mysql";
    const STOP: Signal = Signal::TERM;

    async fn prepare(&self, installation: &Installation) {
        let mut create = installation.command(&program("mariadb-install-db", "mariadb-server-core"));
        create.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        create.args(["--skip-name-resolve", "--debug-no-sync", &in_directory(installation, "--datadir", "data")]);
        installation.run(create).await;
        fs::write(installation.directory().join("users.sql"), USERS).expect("the directory can be written");
        if let Some(certificate) = &self.certificate {
            certificate.install(installation);
        }
    }

    fn command(&self, installation: &Installation) -> Command {
        let mut command = installation.command(&program("mariadbd", "mariadb-server-core"));
        command.args(["--no-defaults", &in_directory(installation, "--datadir", "data")]);
        command
            .args([in_directory(installation, "--socket", "socket"), in_directory(installation, "--pid-file", "pid")]);
        command.arg(in_directory(installation, "--init-file", "users.sql"));
        command
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--port"])
            .arg(installation.port().to_string());
        // The defaults of Debian and MySQL 8.
        command.args(["--character-set-server=utf8mb4", "--max-connections=300"]);
        if !self.durable {
            // Not `innodb_flush_log_at_trx_commit=0`, with which a kill loses commits, nor `innodb_doublewrite=0`:
            // SIGKILL can cut the write of a page in two.
            command.args(["--innodb-flush-log-at-trx-commit=2", "--debug-no-sync"]);
        }
        if self.certificate.is_some() {
            let [chain, key] =
                [chain_file(installation), key_file(installation)].map(|file| file.display().to_string());
            command.args([
                "--require-secure-transport=ON",
                &format!("--ssl-cert={chain}"),
                &format!("--ssl-key={key}"),
            ]);
        }
        command.args(&self.args);
        command
    }

    async fn answers(&self, installation: &Installation) -> bool {
        greeting(installation.port()).await.is_ok_and(|version| version == GREETING)
    }
}

/// Returns an option whose value is a path in the directory of the server.
fn in_directory(installation: &Installation, option: &str, path: &str) -> String {
    format!("{option}={}", installation.directory().join(path).display())
}

/// Returns the first byte of the first packet, which the server sends without being asked.
async fn greeting(port: u16) -> io::Result<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut packet = [0; 5];
    stream.read_exact(&mut packet).await?;
    let [.., version] = packet;
    Ok(version)
}
