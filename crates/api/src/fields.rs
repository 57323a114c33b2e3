//! Checks of request fields that more than one route has.

use std::fmt;
use std::time::Duration;

use runbay_model::MAX_ARGUMENT_BYTES;
use runbay_model::MAX_ARGUMENTS;
use runbay_model::MAX_SOURCE_BYTES;
use runbay_model::MAX_STDIN_BYTES;
use serde::Deserialize;

use crate::deadline::MAX_WAIT_MS;
use crate::problem::Code;
use crate::problem::Problem;

/// How long a client wants to wait for the end of an execution.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Wait(Duration);

/// A wait that is too long.
#[derive(Debug)]
pub(crate) struct WaitTooLong;

impl Wait {
    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<u64> for Wait {
    type Error = WaitTooLong;

    fn try_from(wait_ms: u64) -> Result<Self, WaitTooLong> {
        if wait_ms > MAX_WAIT_MS { Err(WaitTooLong) } else { Ok(Self(Duration::from_millis(wait_ms))) }
    }
}

impl fmt::Display for WaitTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be between 0 and {MAX_WAIT_MS}")
    }
}

/// Accepts source code that a file of a program can hold.
pub(crate) fn check_source_code(source_code: Option<&str>) -> Result<(), Problem> {
    let Some(source_code) = source_code else {
        return Ok(());
    };
    if source_code.len() > MAX_SOURCE_BYTES {
        let complaint = too_many_bytes(source_code.len(), MAX_SOURCE_BYTES);
        return Err(Problem::new(Code::SourceTooLarge).field("source_code", complaint));
    }
    if source_code.contains('\0') {
        return Err(Problem::new(Code::InvalidBody).field("source_code", HAS_NUL));
    }
    Ok(())
}

/// Accepts standard input up to its limit; it may hold anything.
pub(crate) fn check_stdin(stdin: &str) -> Result<(), Problem> {
    if stdin.len() > MAX_STDIN_BYTES {
        let complaint = too_many_bytes(stdin.len(), MAX_STDIN_BYTES);
        return Err(Problem::new(Code::StdinTooLarge).field("stdin", complaint));
    }
    Ok(())
}

/// Accepts what the kernel can hand to a program as its arguments.
pub(crate) fn check_args(args: &[String]) -> Result<(), Problem> {
    if args.len() > MAX_ARGUMENTS {
        let complaint = format!("has {} entries, at most {MAX_ARGUMENTS} are allowed", args.len());
        return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
    }
    let bytes = args.iter().map(String::len).sum();
    if bytes > MAX_ARGUMENT_BYTES {
        let complaint = too_many_bytes(bytes, MAX_ARGUMENT_BYTES);
        return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
    }
    match args.iter().position(|arg| arg.contains('\0')) {
        Some(index) => Err(Problem::new(Code::InvalidBody).field(&format!("args[{index}]"), HAS_NUL)),
        None => Ok(()),
    }
}

const HAS_NUL: &str = "must not contain the character U+0000";

fn too_many_bytes(found: usize, allowed: usize) -> String {
    format!("has {found} bytes in UTF-8, at most {allowed} are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<(), Problem>) -> (Code, String) {
        let problem = result.unwrap_err();
        (problem.code(), problem.details()[0].clone())
    }

    #[test]
    fn source_code_ends_at_its_limit() {
        assert!(check_source_code(None).is_ok());
        assert!(check_source_code(Some(&"a".repeat(MAX_SOURCE_BYTES))).is_ok());
        assert_eq!(
            refusal(check_source_code(Some(&"a".repeat(MAX_SOURCE_BYTES + 1)))),
            (Code::SourceTooLarge, "source_code: has 65537 bytes in UTF-8, at most 65536 are allowed".to_owned())
        );
    }

    #[test]
    fn nul_is_refused_where_a_program_cannot_see_it() {
        assert_eq!(refusal(check_source_code(Some("a\0b"))).0, Code::InvalidBody);
        assert_eq!(
            refusal(check_args(&["a".to_owned(), "\0".to_owned()])).1,
            "args[1]: must not contain the character U+0000"
        );
        assert!(check_stdin("a\0b").is_ok());
    }

    #[test]
    fn arguments_end_at_their_limits() {
        assert!(check_args(&vec!["a".to_owned(); MAX_ARGUMENTS]).is_ok());
        assert_eq!(refusal(check_args(&vec![String::new(); MAX_ARGUMENTS + 1])).0, Code::ArgumentsTooLarge);
        assert_eq!(refusal(check_args(&["a".repeat(MAX_ARGUMENT_BYTES + 1)])).0, Code::ArgumentsTooLarge);
        assert_eq!(refusal(check_stdin(&"a".repeat(MAX_STDIN_BYTES + 1))).0, Code::StdinTooLarge);
    }

    #[test]
    fn a_wait_is_at_most_a_minute() {
        assert_eq!(Wait::try_from(60_000).unwrap().duration(), Duration::from_secs(60));
        assert_eq!(Wait::try_from(60_001).unwrap_err().to_string(), "must be between 0 and 60000");
    }
}
