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

/// Addresses of one database server that takes clients over TLS only.
struct Addresses {
    /// Checks who the server is.
    checked: String,
    /// Checks it against the authorities of the host, which do not know it.
    stranger: String,
    /// Does not encrypt.
    plain: String,
}

fn postgres(url: &str, authority: &Path) -> Addresses {
    Addresses {
        checked: format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display()),
        stranger: format!("{url}?sslmode=verify-full"),
        plain: format!("{url}?sslmode=disable"),
    }
}

fn mariadb(url: &str, authority: &Path) -> Addresses {
    Addresses {
        checked: format!("{url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={}", authority.display()),
        stranger: format!("{url}?ssl-mode=VERIFY_IDENTITY"),
        plain: format!("{url}?ssl-mode=DISABLED"),
    }
}

/// Runs a program over servers that would not talk otherwise.
async fn run_encrypted(database: &str, redis: &RedisServer, authority: &Path) {
    let trusting = |launch: Launch| launch.env("SSL_CERT_FILE", authority);
    let worker = trusting(Launch::worker(database, &redis.url())).arg("--languages").arg("python").start().await;
    let api = trusting(Launch::api(database, &redis.url())).start().await;
    see_workers(&api, 1).await;
    assert_eq!(api.client.run_to_end("python", "print(7)").await["stdout"], "7\n");
    drop(worker);
}

/// Collects what is said when the two sides do not agree.
async fn refusals(addresses: &Addresses, port: u16) -> String {
    let redis = RedisServer::shared().await.database();
    let api = |url: &str| Launch::api(url, &redis);
    let mut said = refusal("an authority that nobody knows", api(&addresses.stranger), &[port]).await;
    let elsewhere = addresses.checked.replace("127.0.0.1", "localhost");
    said += &refusal("a certificate for another name", api(&elsewhere), &[port]).await;
    let missing = addresses.checked.replace("authority.pem", "nothing.pem");
    said += &refusal("no file with the authority", api(&missing), &[port]).await;
    said + &refusal("no encryption", api(&addresses.plain), &[port]).await
}

#[tokio::test]
async fn postgres_and_redis_over_tls() {
    let certificate = Arc::new(Certificate::new());
    let authority = certificate.authority();
    let server = Postgres::default().certificate(&certificate).start().await;
    let redis = Redis::default().certificate(&certificate).start().await;
    let addresses = postgres(&server.database().await.guarded_url, &authority);
    run_encrypted(&addresses.checked, &redis, &authority).await;
    insta::assert_snapshot!(refusals(&addresses, server.port()).await);
}

#[tokio::test]
async fn mariadb_and_redis_over_tls() {
    let certificate = Arc::new(Certificate::new());
    let authority = certificate.authority();
    let server = MariaDb::default().certificate(&certificate).start().await;
    let redis = Redis::default().certificate(&certificate).start().await;
    let addresses = mariadb(&server.database().await.guarded_url, &authority);
    run_encrypted(&addresses.checked, &redis, &authority).await;
    insta::assert_snapshot!(refusals(&addresses, server.port()).await);
}

#[tokio::test]
async fn a_redis_that_is_not_trusted_or_wants_tls_is_explained() {
    let certificate = Arc::new(Certificate::new());
    let redis = Redis::default().certificate(&certificate).password("secret").start().await;
    let database = crate::servers::database(crate::servers::Kind::Postgres).await.url;
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
