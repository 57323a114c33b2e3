//! Servers that are reached over TLS, with an authority of the operator's own.

use std::path::Path;
use std::sync::Arc;

use runbay_testkit::Certificate;
use runbay_testkit::Launch;
use runbay_testkit::MariaDb;
use runbay_testkit::Postgres;
use runbay_testkit::Redis;
use runbay_testkit::RedisServer;
use runbay_testkit::see_workers;

use crate::refusals::refusal;
use crate::servers::Kind;
use crate::servers::database;

/// The parameters in the address of a database.
struct Parameters {
    /// Checks who the server is.
    check: &'static str,
    /// Names the file with the authority, else those of the host count.
    authority: &'static str,
    /// Does not encrypt.
    plain: &'static str,
}

const POSTGRES: Parameters =
    Parameters { check: "sslmode=verify-full", authority: "sslrootcert", plain: "sslmode=disable" };

const MARIADB: Parameters =
    Parameters { check: "ssl-mode=VERIFY_IDENTITY", authority: "ssl-ca", plain: "ssl-mode=DISABLED" };

/// Uses a database that takes clients over TLS only, and returns what is said when the two sides do not agree.
async fn over_tls(url: &str, port: u16, certificate: &Arc<Certificate>, parameters: &Parameters) -> String {
    let Parameters { check, authority, plain } = parameters;
    let checked = format!("{url}?{check}&{authority}={}", certificate.authority().display());
    let redis = Redis::default().certificate(certificate).start().await;
    run_encrypted(&checked, &redis, &certificate.authority()).await;

    let redis = RedisServer::shared().await.database().await;
    let mut said = String::new();
    for (what, url) in [
        ("an authority that nobody knows", format!("{url}?{check}")),
        ("a certificate for another name", checked.replace("127.0.0.1", "localhost")),
        ("no file with the authority", checked.replace("authority.pem", "nothing.pem")),
        ("no encryption", format!("{url}?{plain}")),
    ] {
        said += &refusal(what, Launch::api(&url, &redis), &[port]).await;
    }
    said
}

/// Runs a program over servers that would not talk otherwise.
async fn run_encrypted(database: &str, redis: &RedisServer, authority: &Path) {
    let trusting = |launch: Launch| launch.env("SSL_CERT_FILE", authority);
    let worker = trusting(Launch::worker(database, &redis.url())).start().await;
    let api = trusting(Launch::api(database, &redis.url())).start().await;
    see_workers(&api, 1).await;
    assert_eq!(api.client.run_to_end("python", "print(7)").await["stdout"], "7\n");
    drop(worker);
}

#[tokio::test]
async fn postgres_and_redis_over_tls() {
    let certificate = Arc::new(Certificate::new());
    let server = Postgres::default().certificate(&certificate).start().await;
    let url = server.database().await.guarded_url;
    insta::assert_snapshot!(over_tls(&url, server.port(), &certificate, &POSTGRES).await);
}

#[tokio::test]
async fn mariadb_and_redis_over_tls() {
    let certificate = Arc::new(Certificate::new());
    let server = MariaDb::default().certificate(&certificate).start().await;
    let url = server.database().await.guarded_url;
    insta::assert_snapshot!(over_tls(&url, server.port(), &certificate, &MARIADB).await);
}

#[tokio::test]
async fn a_redis_that_is_not_trusted_or_wants_tls_is_explained() {
    let certificate = Arc::new(Certificate::new());
    let redis = Redis::default().certificate(&certificate).password("secret").start().await;
    let database = database(Kind::Postgres).await.url;
    let api = |url: &str| Launch::api(&database, url).arg("--require-queue");
    let ports = [redis.port()];
    let mut said = refusal("an authority that nobody knows", api(&redis.url()), &ports).await;
    let elsewhere = api(&redis.url().replace("127.0.0.1", "localhost")).env("SSL_CERT_FILE", certificate.authority());
    said += &refusal("a certificate for another name", elsewhere, &ports).await;
    insta::assert_snapshot!(said);

    // How the connection ends is up to the kernel.
    let plain = refusal("no encryption", api(&redis.url().replace("rediss:", "redis:")), &ports).await;
    assert!(plain.contains("check the address, whether it runs, and whether it wants TLS (rediss://)"), "{plain}");
}
