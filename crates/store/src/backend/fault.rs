//! Faults of databases that an operator can do something about.

use std::error::Error;
use std::io;

use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

/// A fault that an operator can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another process holds the SQLite database.
    Locked,
    /// There is no room on the database's disk.
    DiskFull,
    /// The SQLite file or its directory may not be written.
    ReadOnly,
    /// The SQLite file is no database, or a damaged one.
    NotADatabase,
    /// Nothing answers at the server's address.
    Unreachable,
    /// The server does not know the user, or refuses the password.
    WrongLogin,
    /// The server has no database of this name.
    NoSuchDatabase,
    /// The user may not do what is needed.
    MissingRights,
    /// The server is a replica and can only be read.
    Replica,
    /// The server has as many connections as it may have.
    TooManyConnections,
    /// No encrypted connection can be made, or the server's certificate is not trusted.
    Encryption,
    /// A certificate, a key or a socket that the address names is not there, or may not be read.
    UnreadableFile,
}

impl Fault {
    /// Finds the fault in an error and its causes, if the database names one.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref().and_then(Self::of) {
                return Some(fault);
            }
            next = error.source();
        }
        None
    }

    fn of(error: &DbErr) -> Option<Self> {
        match driver_error(error)? {
            sqlx::Error::Database(error) => Self::of_database(&**error),
            // A certificate that is not trusted ends the connection like this.
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Some(Self::Encryption),
            sqlx::Error::Tls(_) => Some(Self::Encryption),
            // No network answers like this.
            sqlx::Error::Io(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) =>
            {
                Some(Self::UnreadableFile)
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => Some(Self::Unreachable),
            _ => None,
        }
    }

    fn of_database(error: &dyn DatabaseError) -> Option<Self> {
        if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
            return Self::of_mysql(error.number());
        }
        let code = error.code()?;
        match error.try_downcast_ref::<PgDatabaseError>() {
            Some(_) => Self::of_postgres(&code),
            None => Self::of_sqlite(code.parse().ok()?),
        }
    }

    /// Reads a result code of SQLite, whose low byte is the kind: <https://sqlite.org/rescode.html>.
    const fn of_sqlite(code: u32) -> Option<Self> {
        match code & 0xff {
            5 | 6 => Some(Self::Locked),
            13 => Some(Self::DiskFull),
            8 | 14 => Some(Self::ReadOnly),
            11 | 26 => Some(Self::NotADatabase),
            _ => None,
        }
    }

    /// Reads an SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn of_postgres(code: &str) -> Option<Self> {
        match code {
            "28000" | "28P01" => Some(Self::WrongLogin),
            "3D000" => Some(Self::NoSuchDatabase),
            "42501" => Some(Self::MissingRights),
            "25006" => Some(Self::Replica),
            "53300" => Some(Self::TooManyConnections),
            "53100" => Some(Self::DiskFull),
            _ => None,
        }
    }

    /// Reads an error number: <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>.
    const fn of_mysql(number: u16) -> Option<Self> {
        match number {
            1045 | 1130 | 1698 => Some(Self::WrongLogin),
            1049 => Some(Self::NoSuchDatabase),
            1044 | 1142 | 1143 | 1227 => Some(Self::MissingRights),
            // The server runs with --read-only or, on MySQL, --super-read-only; or the transaction may only read.
            1290 | 1792 | 1836 => Some(Self::Replica),
            1040 | 1203 => Some(Self::TooManyConnections),
            1021 | 1114 => Some(Self::DiskFull),
            _ => None,
        }
    }
}

/// The outlook for the same call at a later time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It may work, once the database is back, has room, or nothing is in the way.
    Better,
    /// It may fail again. It took too long, or the connection was lost, which is how some servers refuse what is too
    /// large.
    Unknown,
    /// It fails again. The database has answered that it does not take this.
    Same,
}

impl Outlook {
    pub(crate) fn of(error: &DbErr) -> Self {
        let Some(driver) = driver_error(error) else { return Self::Better };
        match (driver, Passing::of(error)) {
            (_, Some(Passing::ConnectionLost)) => Self::Unknown,
            (sqlx::Error::Database(error), None) if took_too_long(&**error) => Self::Unknown,
            (sqlx::Error::Database(error), None) if Fault::of_database(&**error).is_none() => Self::Same,
            _ => Self::Better,
        }
    }
}

/// Returns whether the server has ended a statement because it took too long.
fn took_too_long(error: &dyn DatabaseError) -> bool {
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        // MariaDB's max_statement_time, MySQL's max_execution_time, and a statement that was interrupted.
        Some(error) => matches!(error.number(), 1969 | 3024 | 1317),
        None => error.try_downcast_ref::<PgDatabaseError>().is_some() && error.code().as_deref() == Some("57014"),
    }
}

/// Why a failed command had no effect and may succeed when it is applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Somebody else added a row with the same key at the same time. The next try finds it.
    Taken,
    /// The database has ended one of several transactions that got in each other's way.
    Collision,
    /// The connection was lost, or the server is about to stop or has just started.
    ConnectionLost,
}

impl Passing {
    /// Returns why an error passes. Returns none when it does not.
    pub(crate) fn of(error: &DbErr) -> Option<Self> {
        match driver_error(error)? {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Some(Self::ConnectionLost),
            sqlx::Error::Database(error) if error.is_unique_violation() => Some(Self::Taken),
            sqlx::Error::Database(error) => Self::of_database(&**error),
            _ => None,
        }
    }

    fn of_database(error: &dyn DatabaseError) -> Option<Self> {
        if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
            return match error.number() {
                // A wait for a lock that took too long, a deadlock, a row that was changed (MariaDB 11.8).
                1205 | 1213 | 1020 => Some(Self::Collision),
                // Shutdown, a killed connection, a transaction that was idle for too long.
                1053 | 1927 | 1152 | 4031 => Some(Self::ConnectionLost),
                _ => None,
            };
        }
        error.try_downcast_ref::<PgDatabaseError>()?;
        match &*error.code()? {
            "40001" | "40P01" | "55P03" => Some(Self::Collision),
            "25P03" | "57P01" | "57P02" | "57P03" => Some(Self::ConnectionLost),
            code if code.starts_with("08") => Some(Self::ConnectionLost),
            _ => None,
        }
    }
}

/// Returns the driver's error, if there is one.
fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    Some(error)
}

/// Returns whether a statement failed because a unique column holds the value already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    Passing::of(error) == Some(Passing::Taken)
}

/// Returns an error for a server that says nothing.
pub(crate) fn silence() -> DbErr {
    let error = io::Error::new(io::ErrorKind::TimedOut, "the server does not answer in time");
    DbErr::Conn(RuntimeErr::SqlxError(std::sync::Arc::new(sqlx::Error::Io(error))))
}
