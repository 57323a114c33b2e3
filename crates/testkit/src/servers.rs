//! Private database and queue servers for tests, from the programs that the Debian packages install.
//!
//! Each server has a temporary directory and a loopback port to itself, so it runs next to the services of the host. It
//! keeps both over restarts. It dies with the test process, however that ends, and its directory is removed.

mod account;
mod certificate;
mod database;
mod directory;
mod installation;
mod mariadb;
mod nginx;
mod port;
mod postgres;
mod redis;
mod server;
mod shared;
mod shared_server;
mod starter;

pub use certificate::Certificate;
pub use database::Database;
pub use mariadb::MariaDb;
pub use mariadb::MariaDbServer;
pub use nginx::Nginx;
pub use nginx::NginxServer;
pub use postgres::Postgres;
pub use postgres::PostgresServer;
pub use redis::Redis;
pub use redis::RedisServer;
pub use server::Server;
pub use shared::SharedServers;
