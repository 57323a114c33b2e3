//! The addresses of databases.

use std::fmt;
use std::str::FromStr;

use sea_orm::DbBackend;
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use url::Url;

/// The parameters that a PostgreSQL URL may have.
const POSTGRES_PARAMETERS: &[&str] =
    &["application_name", "host", "sslcert", "sslkey", "sslmode", "sslrootcert", "statement-cache-capacity"];

/// The parameters that a MySQL or MariaDB URL may have.
const MYSQL_PARAMETERS: &[&str] = &["socket", "ssl-ca", "ssl-cert", "ssl-key", "ssl-mode", "statement-cache-capacity"];

/// The address of a database: the SQLite file of the data directory, or a server.
///
/// It is shown without the password and without everything after a question mark, also for debugging.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DatabaseUrl(Address);

#[derive(Clone, PartialEq, Eq, Default)]
enum Address {
    #[default]
    Sqlite,
    Postgres(Url),
    MySql(Url),
}

/// How to reach a database server.
pub(crate) enum Server {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

/// Why a text is not the address of a database. It repeats no part of the text, because that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It does not have the form of a URL.
    #[error(
        "the database URL cannot be read ({0}): write postgres://user:password@host:5432/runbay, \
         with special characters in the password percent-encoded"
    )]
    Unreadable(url::ParseError),
    /// It names another kind of database.
    #[error("the database URL begins with {0:?}: only postgres://, mysql://, mariadb:// and sqlite: are known")]
    UnknownScheme(String),
    /// It names a file of SQLite.
    #[error("the file of SQLite is in the data directory: write sqlite: alone, and choose the directory")]
    SqliteFile,
    /// It names no database on the server, or what looks like the rest of a password.
    #[error(
        "the database URL must end with the name of a database, as in postgres://user:password@host:5432/runbay; \
         special characters in the password must be percent-encoded"
    )]
    NoDatabase,
    /// It has a parameter that has no meaning.
    #[error("the database URL has an unknown parameter after its question mark: only {} are known", known.join(", "))]
    UnknownParameter {
        /// The parameters that have a meaning.
        known: &'static [&'static str],
    },
    /// A parameter has a value that it cannot have.
    #[error("the database URL has a parameter with a value that is not allowed")]
    Parameter,
}

impl DatabaseUrl {
    /// The SQLite file of the data directory.
    pub const SQLITE: Self = Self(Address::Sqlite);

    /// Returns whether it names a server, which several processes may share.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        !matches!(self.0, Address::Sqlite)
    }

    pub(crate) const fn backend(&self) -> DbBackend {
        match self.0 {
            Address::Sqlite => DbBackend::Sqlite,
            Address::Postgres(_) => DbBackend::Postgres,
            Address::MySql(_) => DbBackend::MySql,
        }
    }

    /// Returns how to reach the server. Returns none for SQLite.
    pub(crate) fn server(&self) -> Result<Option<Server>, InvalidDatabaseUrl> {
        let parameter = |_| InvalidDatabaseUrl::Parameter;
        Ok(match &self.0 {
            Address::Sqlite => None,
            Address::Postgres(url) => {
                let options = PgConnectOptions::from_url(url).map_err(parameter)?;
                Some(Server::Postgres(Box::new(options.disable_statement_logging())))
            }
            Address::MySql(url) => {
                let options = MySqlConnectOptions::from_url(url).map_err(parameter)?;
                Some(Server::MySql(Box::new(options.disable_statement_logging())))
            }
        })
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let url = Url::parse(text).map_err(InvalidDatabaseUrl::Unreadable)?;
        let (address, known) = match url.scheme() {
            "sqlite" if matches!(url.as_str(), "sqlite:" | "sqlite://") => return Ok(Self::SQLITE),
            "sqlite" => return Err(InvalidDatabaseUrl::SqliteFile),
            "postgres" | "postgresql" => (Address::Postgres as fn(Url) -> Address, POSTGRES_PARAMETERS),
            "mysql" | "mariadb" => (Address::MySql as fn(Url) -> Address, MYSQL_PARAMETERS),
            other => return Err(InvalidDatabaseUrl::UnknownScheme(other.to_owned())),
        };
        // After an unescaped character of a password, its rest stands where the name of the database should be.
        let database = url.path().strip_prefix('/').unwrap_or_default();
        if database.is_empty() || database.contains(['/', '@', ':']) || url.fragment().is_some() {
            return Err(InvalidDatabaseUrl::NoDatabase);
        }
        if url.query_pairs().any(|(name, _)| !known.contains(&&*name)) {
            return Err(InvalidDatabaseUrl::UnknownParameter { known });
        }
        let url = Self(address(url));
        url.server()?;
        Ok(url)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Address::Postgres(url) | Address::MySql(url)) = &self.0 else {
            return f.write_str("sqlite:");
        };
        write!(f, "{}://", url.scheme())?;
        if !url.username().is_empty() {
            write!(f, "{}@", url.username())?;
        }
        write!(f, "{}", url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
        text.parse()
    }

    #[test]
    fn every_database_has_its_scheme() {
        for (text, backend) in [
            ("sqlite:", DbBackend::Sqlite),
            ("postgres://u:p@h/d", DbBackend::Postgres),
            ("postgresql://h:1/d?sslmode=verify-full", DbBackend::Postgres),
            ("mysql://u@h/d", DbBackend::MySql),
            ("mariadb://u:%23@h:3306/d?ssl-mode=REQUIRED", DbBackend::MySql),
        ] {
            let url = parsed(text).unwrap();
            assert_eq!((url.backend(), url.is_server()), (backend, backend != DbBackend::Sqlite), "{text}");
        }
        assert_eq!(DatabaseUrl::default(), DatabaseUrl::SQLITE);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        use InvalidDatabaseUrl::{NoDatabase, Parameter, SqliteFile, UnknownScheme};
        assert!(matches!(parsed("/var/lib/runbay"), Err(InvalidDatabaseUrl::Unreadable(_))));
        assert_eq!(parsed("redis://h"), Err(UnknownScheme("redis".to_owned())));
        assert_eq!(parsed("sqlite:///tmp/x.db"), Err(SqliteFile));
        assert_eq!(parsed("postgres://u:p@h"), Err(NoDatabase));
        assert_eq!(parsed("mysql://h/d?ssl-mode=perhaps"), Err(Parameter));
        assert_eq!(
            parsed("mysql://h/d?sslmode=REQUIRED"),
            Err(InvalidDatabaseUrl::UnknownParameter { known: MYSQL_PARAMETERS })
        );
    }

    #[test]
    fn no_text_has_any_of_a_password() {
        let url = parsed("postgres://ann:se%23cret@db.example:5433/runbay?sslkey=secret").unwrap();
        assert_eq!(url.to_string(), "postgres://ann@db.example:5433/runbay");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://ann@db.example:5433/runbay)");
        // Characters that end the password where they are not escaped, after a number, which could be a port.
        for wrong in ["/", "#", "?", ":", "@/", "[", " "] {
            for number in ["12", "x"] {
                let text = format!("postgres://ann:{number}{wrong}secret@db.example/runbay?other=secret");
                if let Err(error) = parsed(&text) {
                    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
                } else {
                    panic!("{text} must not be taken for an address");
                }
            }
        }
    }
}
