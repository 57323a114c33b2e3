//! What can go wrong with a Redis, in plain words.

use redis::ErrorKind;
use redis::RedisError;

use crate::Address;

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Redis at {address} {trouble}")]
pub struct Error {
    /// The address that was used.
    pub address: String,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong with a server. Each text follows the server's address and ends with the next step to take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no connection.
    #[error("cannot be reached ({0}): check the address, whether it runs, and whether it wants TLS (rediss://)")]
    Away(String),
    /// No authority that this host trusts vouches for its certificate.
    #[error(
        "shows a certificate that is not trusted ({0}): check the name in the address, or name a file with the \
         certificate of its authority in SSL_CERT_FILE"
    )]
    Certificate(String),
    /// There is a connection, but no answer.
    #[error("does not answer in time: check its load and the network")]
    Silent,
    /// No password was given.
    #[error("asks for a password: put it into the address, as in redis://:password@host")]
    PasswordMissing,
    /// The password or the name is not right.
    #[error("refuses the name or the password: check both in the address")]
    PasswordWrong,
    /// The user may not do what is needed.
    #[error(
        "does not permit what is needed ({0}): give the user all commands on its keys and channels, as in \
         ACL SETUSER name ~runbay:* &runbay:* +@all"
    )]
    NotPermitted(String),
    /// It only copies another server.
    #[error("is a replica, which cannot be written to: use the address of its primary")]
    Replica,
    /// Its memory is used up.
    #[error("has no memory left: raise its maxmemory, or find out what fills it")]
    Full,
    /// It is still reading its files.
    #[error("is still loading its data: it will work in a moment")]
    Loading,
    /// It refuses writes because it cannot save them.
    #[error("cannot save its data and takes no more: look at its log and its disk")]
    NotSaving,
    /// It is a node of a cluster.
    #[error("is a node of a cluster, which is not supported: use a single server")]
    Cluster,
    /// It lacks commands that are needed.
    #[error("is version {0}, which is too old: use Redis 6.2 or newer, or Valkey")]
    TooOld(String),
    /// It does not speak as a Redis does.
    #[error("does not answer as a Redis does: check the address and the port")]
    Stranger,
    /// Something else.
    #[error("answers with an error: {0}")]
    Other(String),
}

impl Error {
    pub(crate) fn new(address: &Address, trouble: Trouble) -> Self {
        Self { address: address.to_string(), trouble }
    }

    pub(crate) fn from_redis(address: &Address, error: &RedisError) -> Self {
        Self::new(address, Trouble::from(error))
    }
}

impl Trouble {
    /// Returns whether a new connection may find the server in a better state, or another server.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Silent | Self::Replica | Self::Stranger)
    }
}

impl From<&RedisError> for Trouble {
    fn from(error: &RedisError) -> Self {
        let text = error.to_string();
        if error.is_timeout() {
            return Self::Silent;
        }
        // Servers without version 3 of the protocol, which came with Redis 6.0.
        if text.contains("unknown command") && text.contains("HELLO") {
            return Self::TooOld("5 or older".to_owned());
        }
        if text.contains("certificate") {
            return Self::Certificate(text);
        }
        match code(error).as_str() {
            "NOAUTH" => Self::PasswordMissing,
            "WRONGPASS" => Self::PasswordWrong,
            "NOPERM" => Self::NotPermitted(text),
            "READONLY" | "MASTERDOWN" | "UNBLOCKED" => Self::Replica,
            "OOM" => Self::Full,
            "LOADING" => Self::Loading,
            "MISCONF" => Self::NotSaving,
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" => Self::Cluster,
            _ if error.kind() == ErrorKind::AuthenticationFailed => Self::PasswordWrong,
            _ if matches!(error.kind(), ErrorKind::Parse | ErrorKind::UnexpectedReturnType) => Self::Stranger,
            _ if error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error() => {
                Self::Away(text)
            }
            _ => Self::Other(text),
        }
    }
}

/// Returns the server's code for an error. A transaction or a pipeline has it in the first command that failed.
fn code(error: &RedisError) -> String {
    let own = error.code().filter(|code| *code != "EXECABORT").map(ToOwned::to_owned);
    let of_command = || Some(error.clone().into_server_errors()?.first()?.1.code().to_owned());
    own.or_else(of_command).unwrap_or_default()
}
