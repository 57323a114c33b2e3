//! Starts the real server and its databases for tests, speaks to it, and looks at what it leaves behind.
//!
//! For tests only: everything here panics with the server's log instead of returning errors. It knows the server from
//! outside, as a program with an HTTP interface, and shares no type with it.

mod answer;
mod bay_uids;
mod client;
mod cluster;
mod damage;
mod events;
mod eventually;
mod log;
mod process;
mod raw;
mod servers;
mod skip;
mod tcp_proxy;
mod test_app;

pub use answer::Answer;
pub use bay_uids::bay_uids;
pub use client::Client;
pub use cluster::Cluster;
pub use cluster::see_workers;
pub use damage::Damage;
pub use damage::damage;
pub use events::EventReader;
pub use events::EventStream;
pub use events::Followed;
pub use events::RawEvents;
pub use events::StreamEvent;
pub use eventually::eventually;
pub use log::Line;
pub use log::Log;
pub use process::Process;
pub use process::descendants;
pub use servers::Certificate;
pub use servers::Database;
pub use servers::MariaDb;
pub use servers::MariaDbServer;
pub use servers::Nginx;
pub use servers::NginxServer;
pub use servers::Postgres;
pub use servers::PostgresServer;
pub use servers::Redis;
pub use servers::RedisServer;
pub use servers::Server;
pub use servers::SharedServers;
pub use skip::skip;
pub use tcp_proxy::TcpProxy;
pub use test_app::Exit;
pub use test_app::Launch;
pub use test_app::Refused;
pub use test_app::TestApp;
pub use test_app::binary;
