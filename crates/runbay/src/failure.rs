//! Errors as people read them: what failed, why, and what to do next.

use std::io::Write;
use std::process::ExitCode;

/// Writes an error with its causes to standard error.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        if depth == 0 {
            text += &format!("error: {cause}\n");
        } else {
            text += &format!("  because: {cause}\n");
        }
    }
    if let Some(advice) = advice(error) {
        text += &format!("  try: {advice}\n");
    }
    // Nobody is left to tell when standard error is closed.
    _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}

/// Finds the next step to take for errors that an operator can act on.
fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match io.map(std::io::Error::kind) {
        _ if error.is::<NotRoot>() => Some("sudo runbay ..., or a service manager that starts it as root"),
        _ if error.chain().any(|cause| cause.is::<runbay_sandbox::ConnectError>()) => {
            Some("runbay doctor, which shows what this host lacks")
        }
        Some(std::io::ErrorKind::AddrInUse) => Some("another port with --listen, or stop what listens there"),
        Some(std::io::ErrorKind::PermissionDenied) => Some("another directory, or another --user"),
        _ => None,
    }
}

/// The sandbox needs rights that this process does not have.
#[derive(Debug, thiserror::Error)]
#[error("runbay has to be started as root to build its sandboxes; it gives that up before it listens to anybody")]
pub(crate) struct NotRoot;
