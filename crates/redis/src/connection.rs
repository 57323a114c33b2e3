//! The one connection that all calls share.

use std::sync::Arc;
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::PushInfo;
use redis::PushKind;
use redis::RedisResult;
use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::Address;
use crate::Error;
use crate::Trouble;

/// How long connecting may take, TLS and password included; less than a call, which may wait for it.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_millis(1_500);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The state of the connection, as callers see it.
#[derive(Clone)]
pub(crate) enum ConnectionState {
    /// It is being opened, and callers wait for it.
    Connecting,
    /// It is open.
    Up(Live),
    /// The last attempt failed. Callers do not wait for the next one, so that nothing piles up.
    Away(Error),
}

/// A connection that worked when it was last used.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
    /// Notified when the connection is to be replaced.
    pub(crate) broken: Arc<Notify>,
}

/// Keeps a connection open until nobody watches `state`.
pub(crate) async fn maintain(address: Address, state: watch::Sender<ConnectionState>) {
    tokio::select! {
        () = state.closed() => {}
        () = renew(&address, &state) => {}
    }
}

async fn renew(address: &Address, state: &watch::Sender<ConnectionState>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        match connect(address).await {
            Ok(live) => {
                if matches!(*state.borrow(), ConnectionState::Away(_)) {
                    tracing::info!(redis.address = %address, "Redis is back");
                }
                let broken = Arc::clone(&live.broken);
                state.send_replace(ConnectionState::Up(live));
                broken.notified().await;
                state.send_replace(ConnectionState::Connecting);
            }
            Err(error) => {
                if !matches!(*state.borrow(), ConnectionState::Away(_)) {
                    tracing::warn!(error = %error, "Redis is away");
                }
                state.send_replace(ConnectionState::Away(error));
            }
        }
        // A connection that broke at once counts as one that could not be opened.
        pause = if began.elapsed() < LONGEST_PAUSE { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        sleep(pause).await;
    }
}

async fn connect(address: &Address) -> Result<Live, Error> {
    let broken = Arc::new(Notify::new());
    let tell = Arc::clone(&broken);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_DEADLINE))
        // Every call has a deadline of its own.
        .set_response_timeout(None)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                tell.notify_one();
            }
            Ok::<(), redis::aio::SendError>(())
        });
    let connecting = async {
        let mut connection = address.client.get_multiplexed_async_connection_with_config(&config).await?;
        let is_replica = is_replica(&mut connection).await;
        Ok((connection, is_replica))
    };
    match timeout(CONNECT_DEADLINE, connecting).await {
        // Noticed here, as otherwise each write would find it out anew.
        Ok(Ok((_, true))) => Err(Error::new(address, Trouble::Replica)),
        Ok(Ok((connection, false))) => Ok(Live { connection, broken }),
        Ok(Err(error)) => Err(Error::from_redis(address, &error)),
        Err(_) => Err(Error::new(address, Trouble::Silent)),
    }
}

/// Asks a server whether it is a replica. Not every user may ask; then the first write tells.
async fn is_replica(connection: &mut MultiplexedConnection) -> bool {
    let answer: RedisResult<Value> = redis::cmd("ROLE").query_async(connection).await;
    let Ok(Value::Array(role)) = answer else { return false };
    matches!(role.first(), Some(Value::BulkString(name)) if name == b"slave")
}
