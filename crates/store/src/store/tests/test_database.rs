use runbay_testkit::Database;
use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use sea_orm::DatabaseConnection;
use tempfile::TempDir;

use crate::DatabaseSettings;
use crate::Store;
use crate::backend::data_directory::SQLITE_FILE;
use crate::backend::server::pinned;
use crate::backend::sqlite::make_file;
use crate::backend::sqlite::open_writer;

/// An empty database of a test's own.
pub(crate) struct TestDatabase {
    pub(crate) settings: DatabaseSettings,
    /// The database as several users see it. None with SQLite.
    pub(crate) server: Option<Database>,
    _directory: TempDir,
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { settings: DatabaseSettings::sqlite(directory.path()), server: None, _directory: directory }
    }

    pub(crate) async fn postgres() -> Self {
        Self::of(PostgresServer::shared().await.database().await)
    }

    pub(crate) async fn mariadb() -> Self {
        Self::of(MariaDbServer::shared().await.database().await)
    }

    pub(crate) fn of(database: Database) -> Self {
        let mut test = Self::sqlite();
        // Few for each of many tests at a time.
        test.settings.connections = 8;
        test.settings.url = database.url.parse().unwrap();
        test.server = Some(database);
        test
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.settings).await.unwrap()
    }

    pub(crate) fn with_url(&self, url: &str) -> DatabaseSettings {
        DatabaseSettings { url: url.parse().unwrap(), ..self.settings.clone() }
    }

    /// Connects past the store.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        match self.settings.url.server().unwrap() {
            Some(server) => pinned(server).await.unwrap(),
            None => {
                let path = self.settings.data_directory.join(SQLITE_FILE);
                make_file(&path).unwrap();
                open_writer(&path).await.unwrap()
            }
        }
    }
}

/// Makes a test of each function for each database.
macro_rules! on_all_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::store::tests::TestDatabase::sqlite()).await;
            })*
        }

        $crate::store::tests::on_all_servers! { $($name,)* }
    };
}

/// Makes a test of each function for each database server.
macro_rules! on_all_servers {
    ($($name:ident,)*) => {
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::store::tests::TestDatabase::postgres().await).await;
            })*
        }

        mod mariadb {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::store::tests::TestDatabase::mariadb().await).await;
            })*
        }
    };
}

pub(crate) use on_all_databases;
pub(crate) use on_all_servers;
