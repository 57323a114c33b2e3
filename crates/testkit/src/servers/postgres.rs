//! A private PostgreSQL.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
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

const PACKAGE: &str = "postgresql";

/// Where Debian puts the programs of each major version, which are not in the path.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The superuser, who connects through the socket.
const ADMIN: &str = "admin";

/// Who may log in, see [`Database`]. A role setting keeps `guarded` from owning what `runbay` does not own.
const USERS: &str = "\
CREATE ROLE runbay LOGIN CREATEDB;
CREATE ROLE guarded LOGIN PASSWORD 'secret' IN ROLE runbay;
ALTER ROLE guarded SET role = 'runbay';
CREATE ROLE reader LOGIN IN ROLE pg_read_all_data;
";

const ACCESS: &str = "\
local all all trust
local replication all trust
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
";

/// A running PostgreSQL.
pub type PostgresServer = Server<Postgres>;

/// How to start a PostgreSQL.
///
/// What it acknowledged survives [`Server::kill`]: it writes each commit and each page of its log to the kernel, which
/// outlives it. Only fsync is left out unless [`Postgres::durable`] asks for it; it protects against the end of the
/// kernel.
#[derive(Debug, Clone, Default)]
pub struct Postgres {
    durable: bool,
    certificate: Option<Arc<Certificate>>,
    /// The directory and the port of the server to copy.
    primary: Option<(PathBuf, u16)>,
    args: Vec<OsString>,
}

impl Postgres {
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

    /// Makes it a copy of another server. It follows that one and can only be read, until it is promoted.
    #[must_use]
    pub fn replica_of(mut self, primary: &PostgresServer) -> Self {
        self.primary = Some((primary.installation.directory().to_owned(), primary.port()));
        self
    }

    /// Adds command line arguments, such as `-c` and `max_connections=5`.
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
    pub async fn start(self) -> PostgresServer {
        Server::start_new(self).await
    }
}

impl PostgresServer {
    /// Starts a PostgreSQL with default settings.
    pub async fn start() -> Self {
        Postgres::default().start().await
    }

    /// Returns the one server that all tests share, each with a database of its own.
    ///
    /// It is that of [`SharedServers`](crate::SharedServers) if there is one, else one of this process.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
        SHARED.get_or_init(Self::shared_or_new).await
    }

    /// Makes an empty database.
    ///
    /// # Panics
    ///
    /// With the server's log when that fails.
    pub async fn database(&self) -> Database {
        let name = new_name();
        self.administer(&format!("CREATE DATABASE {name} OWNER runbay")).await;
        Database::new("postgres", self.port(), &name)
    }

    /// Runs SQL as the administrator, such as `SELECT pg_promote()`, which makes a replica a primary.
    ///
    /// # Panics
    ///
    /// With the server's log when that fails.
    pub async fn administer(&self, sql: &str) {
        let mut command = self.installation.command(&postgres_program("psql"));
        command.args(["--no-psqlrc", "--quiet", "--username", ADMIN, "--dbname", "postgres"]);
        command.arg("--host").arg(self.installation.directory()).arg("--port").arg(self.port().to_string());
        command.args(["--command", sql]);
        self.installation.run(command).await;
    }
}

impl Kind for Postgres {
    const NAME: &'static str = "postgres";
    const ACCOUNT: &'static str = "postgres";
    /// The signal for a fast shutdown, which ends the connections and writes a checkpoint.
    const STOP: Signal = Signal::INT;

    async fn prepare(&self, installation: &Installation) {
        let data = data(installation);
        if let Some((directory, port)) = &self.primary {
            let mut copy = installation.command(&postgres_program("pg_basebackup"));
            copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username", ADMIN, "--host"]);
            copy.arg(directory).arg("--port").arg(port.to_string()).arg("--pgdata").arg(&data);
            return installation.run(copy).await;
        }
        let mut create = installation.command(&postgres_program("initdb"));
        create.args(["--username", ADMIN, "--no-locale", "--encoding=UTF8", "--auth=trust", "--no-sync"]);
        create.arg("--pgdata").arg(&data);
        installation.run(create).await;
        let access = match &self.certificate {
            None => ACCESS.to_owned(),
            Some(certificate) => {
                certificate.install(installation);
                ACCESS.replace("host ", "hostssl ")
            }
        };
        fs::write(data.join("pg_hba.conf"), access).expect("the data directory can be written");

        let mut single_user = installation.command(&postgres_program("postgres"));
        single_user.args(["--single", "-c", "fsync=off", "-D"]).arg(&data).arg("postgres");
        let users = installation.directory().join("users.sql");
        fs::write(&users, USERS).expect("the directory can be written");
        single_user.stdin(File::open(users).expect("the file was written"));
        installation.run(single_user).await;
    }

    fn command(&self, installation: &Installation) -> Command {
        let data = data(installation);
        // The process that the file names is gone; the kernel may have given its number to another server of the same
        // user.
        fs::remove_file(data.join("postmaster.pid")).ok();
        let mut command = installation.command(&postgres_program("postgres"));
        command.arg("-D").arg(data).arg("-k").arg(installation.directory()).args(["-h", "127.0.0.1", "-p"]);
        command.arg(installation.port().to_string()).args(["-c", "max_connections=300"]);
        // In its directory instead of /dev/shm, where a killed server leaves it.
        command.args(["-c", "dynamic_shared_memory_type=mmap"]);
        if !self.durable {
            // Not `full_page_writes=off`: SIGKILL can cut the write of a page in two.
            command.args(["-c", "fsync=off"]);
        }
        if self.certificate.is_some() {
            let [chain, key] =
                [chain_file(installation), key_file(installation)].map(|file| file.display().to_string());
            command.args([
                "-c",
                "ssl=on",
                "-c",
                &format!("ssl_cert_file={chain}"),
                "-c",
                &format!("ssl_key_file={key}"),
            ]);
        }
        command.args(&self.args);
        command
    }

    async fn answers(&self, installation: &Installation) -> bool {
        let mut command = tokio::process::Command::from(installation.command(&postgres_program("pg_isready")));
        command.args(["--quiet", "--host", "127.0.0.1", "--port"]).arg(installation.port().to_string());
        command.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
    }
}

fn data(installation: &Installation) -> PathBuf {
    installation.directory().join("data")
}

/// Finds a program of the newest version; those in the path are Debian's slow wrappers.
fn postgres_program(name: &str) -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().filter_map(Result::ok);
    let newest = versions.filter_map(|version| version.file_name().to_str()?.parse::<u32>().ok()).max();
    let debian = newest.map(|version| Path::new(VERSIONS).join(version.to_string()).join("bin").join(name));
    debian.filter(|program| program.exists()).unwrap_or_else(|| program(name, PACKAGE))
}
