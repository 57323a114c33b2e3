//! A handle to a Redis.

use std::future::Future;
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::Cmd;
use redis::FromRedisValue;
use redis::Pipeline;
use redis::RedisResult;
use redis::ScriptInvocation;
use redis::aio::MultiplexedConnection;
use redis::aio::PubSub;
use rustls::crypto::ring;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::Address;
use crate::Error;
use crate::Trouble;
use crate::connection::CONNECT_DEADLINE;
use crate::connection::ConnectionState;
use crate::connection::Live;
use crate::connection::maintain;

/// How long a call may take, including the wait for a connection.
pub const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// A handle to a Redis; cheap to clone, and all clones share one connection.
#[derive(Clone)]
pub struct Redis {
    address: Address,
    state: watch::Receiver<ConnectionState>,
}

impl Redis {
    /// Connects in the background, and again whenever the connection breaks, until the last clone is gone.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn open(address: Address) -> Self {
        if address.is_encrypted() {
            // When another part of the process has chosen a provider already, that choice holds.
            drop(ring::default_provider().install_default());
        }
        let (sender, state) = watch::channel(ConnectionState::Connecting);
        // The task ends with the last clone of `state`.
        tokio::spawn(maintain(address.clone(), sender));
        Self { address, state }
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a command that the server answers at once.
    ///
    /// # Errors
    ///
    /// [`Error`] when there is no answer by [`CALL_DEADLINE`]; the command may have taken effect all the same.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.call(async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Sends several commands at once.
    ///
    /// # Errors
    ///
    /// [`Error`] when there is no answer by [`CALL_DEADLINE`]; the commands may have taken effect all the same.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Error> {
        self.call(async |mut connection| pipeline.query_async(&mut connection).await).await
    }

    /// Runs a script, which the server keeps after the first time.
    ///
    /// # Errors
    ///
    /// [`Error`] when there is no answer by [`CALL_DEADLINE`]; the script may have taken effect all the same.
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        self.call(async |mut connection| script.invoke_async(&mut connection).await).await
    }

    /// Opens a connection for commands that wait at the server; the caller sets their deadlines.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is not open by its deadline.
    pub async fn dedicated(&self) -> Result<MultiplexedConnection, Error> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_DEADLINE)).set_response_timeout(None);
        let connecting = self.address.client.get_multiplexed_async_connection_with_config(&config);
        self.bounded(Instant::now() + CONNECT_DEADLINE, connecting).await
    }

    /// Opens a connection that receives what is published.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is not open by its deadline.
    pub async fn listener(&self) -> Result<PubSub, Error> {
        self.bounded(Instant::now() + CONNECT_DEADLINE, self.address.client.get_async_pubsub()).await
    }

    /// Puts an error of a connection that was opened here into plain words.
    #[must_use]
    pub fn explain(&self, error: &redis::RedisError) -> Error {
        Error::from_redis(&self.address, error)
    }

    /// Returns the error of a call that has no answer by its deadline.
    #[must_use]
    pub fn silent(&self) -> Error {
        Error::new(&self.address, Trouble::Silent)
    }

    async fn call<T, F>(&self, call: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, Error>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let deadline = Instant::now() + CALL_DEADLINE;
        let live = self.live(deadline).await?;
        let result = self.bounded(deadline, call(live.connection)).await;
        if let Err(error) = &result
            && error.trouble.ends_connection()
        {
            live.broken.notify_one();
        }
        result
    }

    async fn live(&self, deadline: Instant) -> Result<Live, Error> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, ConnectionState::Connecting));
        match timeout_at(deadline, settled).await.map(|state| state.map(|state| state.clone())) {
            Ok(Ok(ConnectionState::Up(live))) => Ok(live),
            Ok(Ok(ConnectionState::Away(error))) => Err(error),
            Ok(Ok(ConnectionState::Connecting)) | Err(_) => Err(self.silent()),
            Ok(Err(_)) => Err(Error::new(&self.address, Trouble::Away("the process is ending".to_owned()))),
        }
    }

    async fn bounded<T>(&self, deadline: Instant, call: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
        match timeout_at(deadline, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(self.silent()),
        }
    }
}
