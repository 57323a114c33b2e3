//! Tests over a real Redis.

mod order;
mod outage;
mod processes;
mod size;

use std::sync::Arc;

use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;

use super::RedisQueue;
use crate::Queue;
use crate::suite;

/// Connects as a process of its own does.
fn connect(server: &RedisServer) -> Arc<dyn Queue> {
    Arc::new(RedisQueue::new(Redis::open(server.url().parse().unwrap()), &Prefix::default()))
}

macro_rules! runs {
    ($($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let server = RedisServer::start().await;
                suite::$case(connect(&server)).await;
            }
        )*
    };
}

suite::all!(runs);
