//! The living workers, as rows that they keep renewing.

use std::convert::Infallible;
use std::time::Duration;

use runbay_model::Timestamp;
use runbay_model::WorkerId;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::DbBackend;
use sea_orm::EntityTrait;
use sea_orm::FromQueryResult;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::OnConflict;
use sea_orm::sea_query::Query;
use sea_orm::sea_query::SelectStatement;

use crate::Command;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::clock::database_now;
use crate::clock::database_time_before;
use crate::entities::count;
use crate::entities::duration;
use crate::entities::worker;
use crate::entities::worker::Column;

/// The most workers that are read. Nobody runs so many.
const LISTED: u64 = 10_000;

/// Adds or renews the row of a living worker, by the database's clock.
#[derive(Debug, Clone)]
pub struct RenewWorker(pub Worker);

/// Marks a worker as stopped. What it still runs is lost from then on.
///
/// Its row stays, because it names the languages. Rows of workers that stopped earlier with the same languages are
/// removed, so that workers that start and stop all day do not fill the table.
#[derive(Debug, Clone)]
pub struct StopWorker {
    /// The worker.
    pub id: WorkerId,
    /// The languages that it served, as in its row.
    pub languages: String,
}

/// Removes the rows of workers that were not renewed for a time. Answers how many.
#[derive(Debug, Clone)]
pub struct RemoveDeadWorkers {
    /// The age from which on rows are removed.
    pub unseen_for: Duration,
}

/// The description that a worker gives of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// This life of the worker.
    pub id: WorkerId,
    /// A name for people, at most 255 characters, such as the name of its host.
    pub name: String,
    /// The version of its program, at most 64 characters.
    pub version: String,
    /// The number of slots. 0 means that the worker has stopped.
    pub slots: u32,
    /// The number of executions that it runs.
    pub running: u32,
    /// The languages that it serves: a document of at most a mebibyte. Only its writer understands it.
    pub languages: String,
    /// When it was started, by its own clock.
    pub started_at: Timestamp,
    /// Whether it takes no more executions.
    pub draining: bool,
}

impl Worker {
    /// Returns whether it has stopped.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.slots == 0
    }
}

/// A worker as its row describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWorker {
    /// The newest description.
    pub worker: Worker,
    /// The age of the description, by the database's clock.
    pub unseen_for: Duration,
}

impl Store {
    /// Reads all workers by name, including those that have stopped or died and were not removed yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn workers(&self) -> Result<Vec<SeenWorker>, StoreError> {
        let now = database_now(self.readers().get_database_backend());
        let query = worker::Entity::find()
            .expr_as(now.sub(Expr::col(Column::LastSeenAt)), "unseen_micros")
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id)
            .limit(LISTED);
        let rows = read(async || Ok(query.clone().into_model::<Row>().all(self.readers()).await?)).await?;
        rows.into_iter().map(SeenWorker::try_from).collect()
    }
}

impl Command for RenewWorker {
    type Answer = ();
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let Self(worker) = self;
        let now = database_now(transaction.get_database_backend());
        let mut row = Query::insert();
        row.into_table(worker::Entity)
            .columns([
                Column::Id,
                Column::Name,
                Column::Version,
                Column::Slots,
                Column::Running,
                Column::Languages,
                Column::StartedAt,
                Column::Draining,
                Column::LastSeenAt,
            ])
            .values_panic([
                worker.id.as_uuid().into(),
                worker.name.into(),
                worker.version.into(),
                i64::from(worker.slots).into(),
                i64::from(worker.running).into(),
                worker.languages.into(),
                worker.started_at.as_micros().into(),
                worker.draining.into(),
                now.clone(),
            ])
            .on_conflict(
                OnConflict::column(Column::Id)
                    .update_columns([Column::Slots, Column::Running, Column::Languages, Column::Draining])
                    .value(Column::LastSeenAt, now)
                    .to_owned(),
            );
        transaction.execute(&row).await?;
        Ok(())
    }
}

impl Command for StopWorker {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let stopped_before = Column::Slots.eq(0).and(Column::Languages.eq(self.languages));
        worker::Entity::delete_many().filter(stopped_before).exec(transaction).await?;
        let stop = worker::Entity::update_many()
            .col_expr(Column::Slots, Expr::val(0_i64))
            .col_expr(Column::Running, Expr::val(0_i64))
            .col_expr(Column::Draining, Expr::val(true))
            .col_expr(Column::LastSeenAt, database_now(transaction.get_database_backend()))
            .filter(Column::Id.eq(self.id.as_uuid()));
        stop.exec(transaction).await?;
        Ok(())
    }
}

impl Command for RemoveDeadWorkers {
    type Answer = u64;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<u64, WriteError<Infallible>> {
        let oldest = database_time_before(transaction.get_database_backend(), self.unseen_for);
        let dead = worker::Entity::delete_many().filter(Expr::col(Column::LastSeenAt).lt(oldest));
        Ok(dead.exec(transaction).await?.rows_affected)
    }
}

/// Selects a worker by an expression for its id, if it was seen within `lease` and has not stopped.
pub(crate) fn alive(backend: DbBackend, id: Expr, lease: Duration) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(worker::Entity)
        .and_where(Expr::col((worker::Entity, Column::Id)).eq(id))
        .and_where(Expr::col((worker::Entity, Column::Slots)).gt(0))
        .and_where(Expr::col((worker::Entity, Column::LastSeenAt)).gte(database_time_before(backend, lease)))
        .take()
}

#[derive(Debug, FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    version: String,
    slots: i64,
    running: i64,
    languages: String,
    started_at: i64,
    draining: bool,
    unseen_micros: i64,
}

impl TryFrom<Row> for SeenWorker {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let worker = Worker {
            id: WorkerId::from_uuid(row.id),
            name: row.name,
            version: row.version,
            slots: count("workers.slots", row.slots)?,
            running: count("workers.running", row.running)?,
            languages: row.languages,
            started_at: Timestamp::from_micros(row.started_at),
            draining: row.draining,
        };
        Ok(Self { worker, unseen_for: duration(row.unseen_micros) })
    }
}
