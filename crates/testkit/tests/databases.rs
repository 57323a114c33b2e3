//! The private databases as tests use them, through the servers' own command line clients.

use std::process::Command;
use std::time::Duration;

use runbay_testkit::MariaDb;
use runbay_testkit::MariaDbServer;
use runbay_testkit::Postgres;
use runbay_testkit::PostgresServer;
use runbay_testkit::Process;

const DEADLINE: Duration = Duration::from_secs(30);

/// What a frozen server does not answer within.
const MOMENT: &str = "1";

/// Runs SQL in the database of a URL, and returns what the client printed: rows, or else errors.
fn sql(url: &str, statement: &str) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.arg(DEADLINE.as_secs().to_string());
    client(&mut command, url, statement);
    run(command)
}

/// Adds the client with a statement to run: `scheme://user[:password]@host:port/database`.
fn client(command: &mut Command, url: &str, statement: &str) {
    let Some(rest) = url.strip_prefix("mysql://") else {
        command.args(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password", url, "-c"]);
        command.arg(statement);
        return;
    };
    let (login, installation) = rest.split_once('@').expect("a login");
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (address, database) = installation.split_once('/').expect("a database");
    let (host, port) = address.split_once(':').expect("a port");
    command.args(["mariadb", "--no-defaults", "--skip-column-names", "--host", host, "--port", port, "--user", user]);
    command.args([&format!("--password={password}"), "--database", database, "--execute", statement]);
}

fn run(mut command: Command) -> Result<String, String> {
    let output = command.output().expect("the client is installed");
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

macro_rules! suite {
    ($name:ident, $settings:ident, $server:ident) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn databases_are_separate() {
                let server = $server::shared().await;
                let (one, two) = (server.database().await, server.database().await);
                assert_ne!(one.url, two.url);
                for database in [one, two] {
                    sql(&database.url, "CREATE TABLE runs (id INT)").unwrap();
                    sql(&database.url, "INSERT INTO runs VALUES (7)").unwrap();
                    assert_eq!(sql(&database.url, "SELECT id FROM runs").unwrap(), "7");
                }
            }

            #[tokio::test]
            async fn passwords_and_rights_are_checked() {
                let database = $server::shared().await.database().await;
                sql(&database.guarded_url, "CREATE TABLE runs (id INT)").unwrap();
                // Whoever made a table, both users may change it.
                sql(&database.url, "ALTER TABLE runs ADD COLUMN name TEXT").unwrap();
                sql(&database.guarded_url.replace(":secret@", ":wrong@"), "SELECT 1").unwrap_err();
                sql(&database.guarded_url.replace(":secret@", "@"), "SELECT 1").unwrap_err();

                sql(&database.reader_url, "SELECT id FROM runs").unwrap();
                sql(&database.reader_url, "INSERT INTO runs (id) VALUES (1)").unwrap_err();
                sql(&database.reader_url, "CREATE TABLE more (id INT)").unwrap_err();
            }

            #[tokio::test]
            async fn what_was_committed_survives_every_end() {
                for settings in [$settings::default(), $settings::default().durable()] {
                    let mut server = settings.start().await;
                    let port = server.port();
                    let url = server.database().await.url;
                    sql(&url, "CREATE TABLE runs (id INT)").unwrap();
                    for round in 0..3 {
                        sql(&url, &format!("INSERT INTO runs VALUES ({round})")).unwrap();
                        if round == 1 {
                            server.stop().await
                        } else {
                            server.kill()
                        }
                        sql(&url, "SELECT 1").unwrap_err();
                        server.restart().await;
                        assert_eq!(server.port(), port);
                    }
                    assert_eq!(sql(&url, "SELECT count(*) FROM runs").unwrap(), "3");
                }
            }

            #[tokio::test]
            async fn a_frozen_server_says_nothing_until_it_continues() {
                let server = $server::start().await;
                let url = server.database().await.url;
                server.pause();
                let mut command = Command::new("timeout");
                client(command.arg(MOMENT), &url, "SELECT 1");
                assert_eq!(command.status().unwrap().code(), Some(124));
                server.resume();
                assert_eq!(sql(&url, "SELECT 1").unwrap(), "1");
            }

            #[tokio::test]
            async fn nothing_is_left_of_a_dropped_server() {
                let server = $server::start().await;
                let process = Process::find(server.pid()).unwrap();
                let directory = std::fs::read_link(format!("/proc/{}/cwd", server.pid())).unwrap();
                assert!(process.is_alive() && directory.exists());
                server.pause();
                drop(server);
                assert!(!process.is_alive() && !directory.exists());
            }

            #[tokio::test]
            #[should_panic(expected = "nonsense")]
            async fn a_server_that_cannot_start_shows_its_log() {
                $settings::default().args(["--nonsense=1"]).start().await;
            }
        }
    };
}

suite!(postgres, Postgres, PostgresServer);
suite!(mariadb, MariaDb, MariaDbServer);
