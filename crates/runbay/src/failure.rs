//! Errors as people read them: what failed, why, and what to do next.

use std::io::Write;
use std::process::ExitCode;

use runbay_client::RequestError;
use runbay_runner::RecipeError;
use runbay_store::CopyError;
use runbay_store::Fault;
use runbay_store::LockError;
use runbay_store::OpenError;

use crate::new_file::NotMade;

/// The exit code of a shell for a program that SIGPIPE ended.
const EXIT_ON_SIGPIPE: u8 = 128 + 13;

/// Writes an error with its causes to standard error.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever reads the output has had enough, as `head` does.
    if error.downcast_ref().is_some_and(|error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::from(EXIT_ON_SIGPIPE);
    }
    let mut text = String::new();
    for (depth, cause) in distinct(error).iter().enumerate() {
        let word = if depth == 0 { "error" } else { "  because" };
        text += &format!("{word}: {cause}\n");
    }
    if let Some(advice) = advice(error) {
        text += &format!("  try: {advice}\n");
    }
    // Nobody is left to tell when standard error is closed.
    _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}

/// Returns what failed and its causes; one that only wraps the next one is left out.
fn distinct(error: &anyhow::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if causes.len() > 1 && causes.last().is_some_and(|last| last.ends_with(&cause)) {
            causes.pop();
        }
        causes.push(cause);
    }
    causes
}

/// Finds the next step to take for errors that an operator can act on.
fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    if let Some(advice) = error.downcast_ref().and_then(advice_on_directory) {
        return Some(advice);
    }
    if let Some(advice) = error.downcast_ref().and_then(advice_on_copy) {
        return Some(advice);
    }
    if error.is::<NotMade>() {
        return io.map(|io| advice_on_new_file(io.kind()));
    }
    if error.is::<RecipeError>() {
        return Some("mend the file that is named; --languages-dir and RUNBAY_LANGUAGES_DIR choose the folder");
    }
    if let Some(fault) = Fault::find(error.as_ref()) {
        return Some(advice_on_database(fault));
    }
    if let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<RequestError>()) {
        return advice_on_server(error);
    }
    match io.map(std::io::Error::kind) {
        _ if error.chain().any(|cause| cause.is::<runbay_sandbox::ConnectError>()) => {
            Some("runbay doctor, which shows what this host lacks")
        }
        _ if matches!(error.downcast_ref(), Some(OpenError::Newer { .. })) => {
            Some("that version, or begin anew with `runbay migrate --reset`, which drops everything")
        }
        Some(std::io::ErrorKind::AddrInUse) => Some("another port with --listen, or stop what listens there"),
        Some(std::io::ErrorKind::PermissionDenied) => Some("another directory, or another --user"),
        Some(std::io::ErrorKind::NotFound) => Some("a file or directory that exists"),
        Some(kind) => advice_on_files(kind),
        None => None,
    }
}

fn advice_on_server(error: &RequestError) -> Option<&'static str> {
    match (error, error.status()) {
        (RequestError::Connection(_) | RequestError::Silent, _) => {
            Some("the URL of a server that runs and can be reached from here, with --remote")
        }
        (_, Some(401 | 403)) => Some("a key that the server knows, with --key or RUNBAY_KEY"),
        (RequestError::Foreign { .. }, _) => Some("the URL of a Runbay server, with its path if it has one"),
        (_, Some(429 | 503)) => Some("again a little later"),
        _ => None,
    }
}

fn advice_on_copy(error: &CopyError) -> Option<&'static str> {
    match error {
        CopyError::Missing(_) => Some("the directory of the server with --data-dir, or the right name of the file"),
        CopyError::NotPlain(_) => Some("the file itself, not a link or a directory"),
        CopyError::Foreign | CopyError::Damaged(_) => Some("another copy of the database"),
        CopyError::InUse => Some("again when the program that has the database open has ended; fuser names it"),
        CopyError::Database(_) => Some("make room where the data directory is, which needs as much again for a while"),
        CopyError::Target(source) => Some(advice_on_new_file(source.kind())),
        CopyError::File { source, .. } => match source.kind() {
            std::io::ErrorKind::PermissionDenied => Some("as root, or as the user who owns the data directory"),
            std::io::ErrorKind::StorageFull => Some("make room where the data directory is"),
            _ => None,
        },
    }
}

const fn advice_on_new_file(kind: std::io::ErrorKind) -> &'static str {
    match kind {
        std::io::ErrorKind::AlreadyExists => "another name for the new file",
        std::io::ErrorKind::StorageFull => "make room where the new file is to be, or another place for it",
        _ => "a name for the new file in a directory that exists and that this user may write",
    }
}

fn advice_on_directory(error: &LockError) -> Option<&'static str> {
    match error {
        LockError::NoDirectory { .. } => Some("another directory with --data-dir"),
        LockError::Closed { .. } => Some(
            "start it as root if it was started as root before, or give the directory to this user: sudo chown -R USER \
             DIRECTORY",
        ),
        LockError::InUse { .. } => Some("stop that one, or choose another directory with --data-dir"),
        LockError::Foreign { .. } => {
            Some("an empty or new directory with --data-dir; `runbay restore FILE` puts a copy of a database into it")
        }
        LockError::Make { source, .. } | LockError::Lock { source, .. } => advice_on_files(source.kind()),
    }
}

fn advice_on_files(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    match kind {
        NotADirectory | ReadOnlyFilesystem => Some("a directory that can be written, with --data-dir"),
        PermissionDenied => Some("a directory that this user may write, with --data-dir"),
        StorageFull => Some("make room on the disk, or choose another directory with --data-dir"),
        _ => None,
    }
}

const fn advice_on_database(fault: Fault) -> &'static str {
    match fault {
        Fault::Locked => "again once the program that has the database open has ended; fuser names it",
        Fault::DiskFull => "make room on the disk, or choose another directory with --data-dir",
        Fault::ReadOnly => "a directory that can be written, with --data-dir",
        Fault::NotADatabase => {
            "put a backup back with `runbay restore FILE`, or choose another directory with --data-dir"
        }
        Fault::Unreachable => "start the database server, or correct its host and port in RUNBAY_DATABASE_URL",
        // Servers answer the same to clients that do not encrypt although they have to.
        Fault::WrongLogin => {
            "correct the user and password in RUNBAY_DATABASE_URL, or let the server accept this user from this host; \
             some servers accept clients over TLS only"
        }
        Fault::NoSuchDatabase => "create the database, or correct its name in RUNBAY_DATABASE_URL",
        Fault::MissingRights => "let the user of RUNBAY_DATABASE_URL create and change tables in the database",
        Fault::Replica => {
            "the address of the primary server in RUNBAY_DATABASE_URL, and of replicas in RUNBAY_DATABASE_READ_URL"
        }
        Fault::TooManyConnections => "raise max_connections of the database server, or let fewer processes use it",
        Fault::UnreadableFile => {
            "check that the files or the socket that RUNBAY_DATABASE_URL names are there, and that the account of this \
             process may read them"
        }
        Fault::Encryption => {
            "check the host name in RUNBAY_DATABASE_URL, or name a file with the certificate of the server's authority: \
             sslrootcert=FILE there for PostgreSQL, ssl-ca=FILE for MySQL and MariaDB"
        }
    }
}
