//! Opening databases and bringing their tables up to date.

use std::path::Path;

use sea_orm::ColumnTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::TransactionTrait;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;

use super::DatabaseSettings;
use super::Store;
use crate::DatabaseUrl;
use crate::Fault;
use crate::OpenError;
use crate::backend::connections::Connections;
use crate::backend::connections::Writer;
use crate::backend::data_directory::SQLITE_FILE;
use crate::backend::database_url::Server;
use crate::backend::deadline::in_time;
use crate::backend::fault::Passing;
use crate::backend::server;
use crate::backend::server_writer::ServerWriter;
use crate::backend::sqlite::make_file;
use crate::backend::sqlite::open_readers;
use crate::backend::sqlite::open_writer;
use crate::backend::sqlite_writer::SqliteWriter;
use crate::entities::execution;
use crate::migrations;
use crate::migrations::MigrateError;
use crate::sessions::WaitingSaves;

/// How many batches of saves one process writes at the same time. SQLite writes one thing after another.
const SAVES_OF_SQLITE: usize = 1;
const SAVES_OF_A_SERVER: usize = 4;

impl Store {
    /// Opens a database and brings its tables up to date. Makes the file of SQLite if there is none.
    ///
    /// Any number of processes may open the same server at once. With SQLite the caller holds the
    /// [`DataDirectory`](crate::DataDirectory), because two writing processes would get in each other's way.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the database cannot be used. [`OpenError::Newer`] when a newer version of this program has
    /// changed the tables in a way that this one would misread.
    pub async fn open(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        match server_of(&settings.url)? {
            None => Self::open_file(&settings.data_directory).await,
            Some(_) => Self::open_server(settings).await,
        }
    }

    /// Opens the SQLite database in `directory` in the same way as [`Store::open`].
    ///
    /// # Errors
    ///
    /// See [`Store::open`].
    pub async fn open_sqlite(directory: &Path) -> Result<Self, OpenError> {
        Self::open_file(directory).await
    }

    /// Drops all tables of this program and makes them again. Everything in them is lost.
    ///
    /// Tables of a newer version are no error.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the database cannot be opened or changed.
    pub async fn reset(settings: &DatabaseSettings) -> Result<(), OpenError> {
        let (database, connection) = match server_of(&settings.url)? {
            None => {
                let path = settings.data_directory.join(SQLITE_FILE);
                (path.display().to_string(), open_or_make(&path).await?)
            }
            Some(server) => {
                let database = settings.url.to_string();
                let connection = server::pinned(server).await.map_err(cannot_open(&database))?;
                (database, connection)
            }
        };
        migrations::reset(&connection).await.map_err(cannot_migrate(&database))?;
        connection.close().await.map_err(cannot_open(&database))
    }

    /// Drops all tables of the SQLite database in `directory` in the same way as [`Store::reset`].
    ///
    /// # Errors
    ///
    /// See [`Store::reset`].
    pub async fn reset_sqlite(directory: &Path) -> Result<(), OpenError> {
        Self::reset(&DatabaseSettings::sqlite(directory)).await
    }

    async fn open_file(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(SQLITE_FILE);
        let database = path.display().to_string();
        let connection = open_or_make(&path).await?;
        migrations::migrate(&connection).await.map_err(cannot_migrate(&database))?;
        let readers = open_readers(&path).await.map_err(cannot_open(&database))?;
        let writer = Writer::Sqlite(SqliteWriter::start(&path, connection));
        let connections = Connections { list_readers: readers.clone(), readers, writer };
        Ok(Self { connections, waiting_saves: WaitingSaves::new(SAVES_OF_SQLITE) })
    }

    async fn open_server(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        let database = settings.url.to_string();
        let pinned = reached(&settings.url).await?;
        server::check(&pinned, &database).await?;
        migrations::migrate(&pinned).await.map_err(cannot_migrate(&database))?;
        in_time(check_that_it_can_be_written(&pinned)).await.map_err(cannot_open(&database))?;
        close(pinned).await;
        if let Some(replica) = &settings.read_url {
            if replica.backend() != settings.url.backend() {
                return Err(OpenError::OtherKind { database, replica: replica.to_string() });
            }
            check_replica(replica).await?;
        }
        let readers = pool(&settings.url, settings.connections)?;
        let list_readers = match &settings.read_url {
            Some(replica) => pool(replica, settings.connections)?,
            None => readers.clone(),
        };
        let writer = Writer::Server(ServerWriter::new(readers.clone()));
        let connections = Connections { readers, list_readers, writer };
        Ok(Self { connections, waiting_saves: WaitingSaves::new(SAVES_OF_A_SERVER) })
    }
}

async fn open_or_make(path: &Path) -> Result<DatabaseConnection, OpenError> {
    make_file(path).map_err(|source| OpenError::Make { path: path.to_owned(), source })?;
    open_writer(path).await.map_err(cannot_open(&path.display().to_string()))
}

fn server_of(url: &DatabaseUrl) -> Result<Option<Server>, OpenError> {
    url.server().map_err(|source| OpenError::Url { database: url.to_string(), source })
}

async fn reached(url: &DatabaseUrl) -> Result<DatabaseConnection, OpenError> {
    match server_of(url)? {
        Some(server) => server::pinned(server).await.map_err(cannot_open(&url.to_string())),
        None => Err(no_server(url)),
    }
}

/// Checks a replica. A replica that is away does not stop the start, because only lists are read from it and it may
/// come back.
async fn check_replica(url: &DatabaseUrl) -> Result<(), OpenError> {
    match reached(url).await {
        Ok(replica) => close(replica).await,
        Err(OpenError::Open { database, source }) if may_pass(&source) => {
            tracing::warn!(
                database,
                error = ?source,
                "the copy of the database does not answer; lists fail until it does"
            );
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn may_pass(error: &DbErr) -> bool {
    matches!(Fault::find(error), Some(Fault::Unreachable | Fault::TooManyConnections)) || Passing::of(error).is_some()
}

fn pool(url: &DatabaseUrl, connections: u32) -> Result<DatabaseConnection, OpenError> {
    match server_of(url)? {
        Some(server) => Ok(server::pool(server, connections)),
        None => Err(no_server(url)),
    }
}

fn no_server(url: &DatabaseUrl) -> OpenError {
    OpenError::Unsuitable { database: url.to_string(), problem: "is no server".to_owned() }
}

/// Checks whether the database takes writes, with a statement that changes nothing. Replicas refuse it, and so do
/// databases whose user has no rights.
async fn check_that_it_can_be_written(database: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = database.begin().await?;
    let nobody = execution::Column::Id.eq(Uuid::nil());
    execution::Entity::update_many()
        .col_expr(execution::Column::Attempt, Expr::value(0))
        .filter(nobody)
        .exec(&transaction)
        .await?;
    transaction.rollback().await
}

async fn close(connection: DatabaseConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(error = ?error, "a connection to the database did not close");
    }
}

fn cannot_open(database: &str) -> impl FnOnce(DbErr) -> OpenError {
    let database = database.to_owned();
    move |source| OpenError::Open { database, source }
}

fn cannot_migrate(database: &str) -> impl FnOnce(MigrateError) -> OpenError {
    let database = database.to_owned();
    move |error| match error {
        MigrateError::Newer { needed, known } => OpenError::Newer { database, needed, known },
        MigrateError::Locked => OpenError::Migrating { database, seconds: migrations::WAIT_SECONDS },
        MigrateError::Failed(source) => OpenError::Migrate { database, source },
    }
}
