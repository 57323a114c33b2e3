//! `stdin` and `args`, of a run and of each test case.

use runbay_model::MAX_ARGUMENT_BYTES;
use runbay_model::MAX_ARGUMENTS;
use runbay_model::MAX_STDIN_BYTES;

use super::Counted;
use crate::problem::Code;
use crate::problem::Problem;

/// Command line arguments as they were sent.
pub(crate) type Arguments = Counted<String, MAX_ARGUMENTS>;

/// Checks the length of standard input; it may hold anything.
pub(super) fn check_stdin(stdin: &str) -> Result<(), Problem> {
    if stdin.len() > MAX_STDIN_BYTES {
        let complaint = too_many_bytes(stdin.len(), MAX_STDIN_BYTES);
        return Err(Problem::new(Code::StdinTooLarge).field("stdin", complaint));
    }
    Ok(())
}

impl Arguments {
    /// Checks that the kernel can hand the arguments to a program.
    pub(super) fn read(self) -> Result<Vec<String>, Problem> {
        if self.count > MAX_ARGUMENTS {
            let complaint = format!("has {} entries, at most {MAX_ARGUMENTS} are allowed", self.count);
            return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
        }
        let args = self.entries;
        let bytes = args.iter().map(String::len).sum();
        if bytes > MAX_ARGUMENT_BYTES {
            let complaint = too_many_bytes(bytes, MAX_ARGUMENT_BYTES);
            return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
        }
        match args.iter().position(|arg| arg.contains('\0')) {
            Some(index) => {
                let complaint = "must not contain the character U+0000";
                Err(Problem::new(Code::InvalidBody).field(&format!("args[{index}]"), complaint))
            }
            None => Ok(args),
        }
    }
}

fn too_many_bytes(found: usize, allowed: usize) -> String {
    format!("has {found} bytes in UTF-8, at most {allowed} are allowed")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn args(args: &[&str]) -> Arguments {
        serde_json::from_value(json!(args)).unwrap()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, Problem>) -> (Code, String) {
        let problem = result.unwrap_err();
        (problem.code(), problem.details()[0].clone())
    }

    #[test]
    fn arguments_and_input_end_at_their_limits() {
        assert_eq!(args(&["a"; MAX_ARGUMENTS]).read().unwrap(), ["a"; MAX_ARGUMENTS]);
        let (code, complaint) = refusal(args(&[""; 5_000]).read());
        assert_eq!(code, Code::ArgumentsTooLarge);
        assert_eq!(complaint, "args: has 5000 entries, at most 64 are allowed");
        assert_eq!(refusal(args(&[&"a".repeat(MAX_ARGUMENT_BYTES + 1)]).read()).0, Code::ArgumentsTooLarge);
        assert_eq!(refusal(check_stdin(&"a".repeat(MAX_STDIN_BYTES + 1))).0, Code::StdinTooLarge);
        assert!(check_stdin("a\0b").is_ok());
    }

    #[test]
    fn an_argument_has_no_nul() {
        let complaint = refusal(args(&["a", "\0"]).read()).1;
        assert_eq!(complaint, "args[1]: must not contain the character U+0000");
    }
}
