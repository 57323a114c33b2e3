//! The one task that writes to SQLite: group commit.
//!
//! SQLite has one writer at a time, and each commit waits for the disk. So one task owns the only writing connection,
//! takes all waiting commands, applies them in one transaction, and answers all callers after its commit. Nothing waits
//! for a timer: while one batch is on its way to the disk, the next one gathers.

mod job;

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::SqliteTransactionMode;
use sea_orm::TransactionOptions;
use sea_orm::TransactionTrait;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::backend::panics::caught;
use crate::backend::sqlite::open_writer;

use self::job::Job;
use self::job::Pending;

/// The most commands of one transaction, and the most that wait for the next one.
const BATCH: usize = 512;

/// How long a caller waits until its command is taken. A command that was taken is always answered.
const ACCEPTANCE: Duration = Duration::from_secs(4);

/// The handle of the writing task. It is cheap to clone. The task ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct SqliteWriter {
    requests: mpsc::Sender<Request>,
}

enum Request {
    Apply(Box<dyn Job>),
    /// Answered when all earlier requests are done and the connection is closed.
    Close(oneshot::Sender<()>),
}

impl SqliteWriter {
    /// Starts the task with a connection that is already open.
    pub(crate) fn start(path: &Path, connection: DatabaseConnection) -> Self {
        let (requests, waiting) = mpsc::channel(BATCH);
        let task = WriterTask { path: path.to_owned(), connection: Some(connection), waiting };
        tokio::spawn(task.run());
        Self { requests }
    }

    /// Applies `command`. Returns when it is durable.
    ///
    /// CANCEL: a command that was taken is applied even if its caller goes away.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Result<C::Answer, WriteError<C::Refusal>> {
        let (caller, answer) = oneshot::channel();
        let permit = match timeout(ACCEPTANCE, self.requests.reserve()).await {
            Ok(permit) => permit.map_err(|_| StoreError::Closed)?,
            Err(_) => return Err(StoreError::Busy.into()),
        };
        permit.send(Request::Apply(Box::new(Pending::new(command, caller))));
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Ends the task after all earlier requests.
    pub(crate) async fn close(&self) {
        let (caller, closed) = oneshot::channel();
        if self.requests.send(Request::Close(caller)).await.is_err() || closed.await.is_err() {
            tracing::debug!("the database was closed already");
        }
    }
}

#[cfg(test)]
impl SqliteWriter {
    /// Returns how many requests wait.
    fn waiting(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }
}

struct WriterTask {
    path: PathBuf,
    /// The connection. None after a failure, which may have left the connection in any state.
    connection: Option<DatabaseConnection>,
    waiting: mpsc::Receiver<Request>,
}

impl WriterTask {
    async fn run(mut self) {
        let mut requests = Vec::with_capacity(BATCH);
        let mut closing = Vec::new();
        while self.waiting.recv_many(&mut requests, BATCH).await > 0 {
            let mut jobs = Vec::with_capacity(requests.len());
            for request in requests.drain(..) {
                match request {
                    Request::Apply(job) => jobs.push(job),
                    Request::Close(caller) => {
                        self.waiting.close();
                        closing.push(caller);
                    }
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs).await;
            }
        }
        self.close_connection().await;
        for caller in closing {
            if caller.send(()).is_err() {
                tracing::trace!("nobody waits for the database to close any more");
            }
        }
    }

    /// Applies all jobs in one transaction. Answers them when it is durable or has failed.
    async fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let result = match caught(self.apply(&mut jobs)).await {
            Ok(result) => result,
            Err(panic) => Err(panic),
        };
        match result {
            Ok(()) => jobs.into_iter().for_each(|job| job.answer()),
            Err(error) => {
                tracing::error!(error = ?error, writes = jobs.len(), "writes to the database failed");
                self.close_connection().await;
                jobs.into_iter().for_each(|job| job.fail(error.clone()));
            }
        }
    }

    async fn apply(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            missing => missing.insert(open_writer(&self.path).await?),
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = connection.begin_with_options(options).await?;
        if let [job] = jobs {
            // The transaction itself serves as its savepoint.
            return job.apply_alone(transaction).await;
        }
        for job in jobs {
            job.apply(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn close_connection(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(error = ?error, "the database connection did not close");
        }
    }
}

#[cfg(test)]
mod tests;
