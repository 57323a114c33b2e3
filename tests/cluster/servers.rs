//! The servers that the tests share, and what is asked of them directly.

use std::process::Command;

use runbay_testkit::Database;
use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::RedisServer;

/// A kind of database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    MariaDb,
}

/// Returns an empty database of a server that all tests share.
pub(crate) async fn database(kind: Kind) -> Database {
    match kind {
        Kind::Postgres => PostgresServer::shared().await.database().await,
        Kind::MariaDb => MariaDbServer::shared().await.database().await,
    }
}

/// Returns an empty database and an empty Redis, as URLs.
pub(crate) async fn backend(kind: Kind) -> (String, String) {
    (database(kind).await.url, RedisServer::shared().await.database().await)
}

/// Returns the port in a URL.
pub(crate) fn port(url: &str) -> u16 {
    let (_, rest) = url.rsplit_once("127.0.0.1:").expect("a loopback address");
    let port = rest.split('/').next().unwrap_or_default();
    port.parse().expect("a port")
}

/// Runs SQL in the database of a URL without a password, and returns what the client printed.
pub(crate) fn sql(url: &str, statement: &str) -> String {
    let mut command = Command::new("timeout");
    command.arg("30");
    if let Some(rest) = url.strip_prefix("mysql://runbay@127.0.0.1:") {
        let (port, name) = rest.split_once('/').expect("a database");
        command.args(["mariadb", "--no-defaults", "--skip-column-names", "--host=127.0.0.1", "--user=runbay"]);
        command.args(["--port", port, "--database", name, "--execute", statement]);
    } else {
        command.args(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", url, "--command", statement]);
    }
    let output = command.output().expect("the client is installed");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Repeats tests for each kind of database server.
macro_rules! on_each_server {
    ($($(#[$attribute:meta])* $test:ident),* $(,)?) => {
        mod postgres {
            $(
                #[tokio::test]
                $(#[$attribute])*
                async fn $test() {
                    super::$test(crate::servers::Kind::Postgres).await;
                }
            )*
        }

        mod mariadb {
            $(
                #[tokio::test]
                $(#[$attribute])*
                async fn $test() {
                    super::$test(crate::servers::Kind::MariaDb).await;
                }
            )*
        }
    };
}

pub(crate) use on_each_server;
