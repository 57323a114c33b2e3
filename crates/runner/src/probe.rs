//! Finding out which recipes work on this host.

use std::path::Path;
use std::time::Duration;

use runbay_model::Limits;
use runbay_sandbox::Clocks;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Sandbox;

use crate::recipe::Recipe;
use crate::recipe::SEARCH_PATH;
use crate::runner::bay_limits;

/// Most of what a version probe may print.
const OUTPUT_BYTES: usize = 64 * 1024;

/// A language that is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Its id.
    pub language: String,
    /// Why, and what to do about it.
    pub why: String,
}

/// What was found on the host.
pub(crate) struct Found {
    /// The absolute path of the program that runs the code.
    pub(crate) program: String,
    /// The version it says it has.
    pub(crate) version: String,
}

/// Looks for a recipe's programs and asks for their version, in a bay.
pub(crate) async fn probe(sandbox: &Sandbox, recipe: &Recipe) -> Result<Found, Absent> {
    let absent = |why: String| Absent { language: recipe.id.to_string(), why };
    let missing = |name: &str| absent(format!("{name} was not found; install it, for example with apt-get install"));
    let program = find(recipe.program()).ok_or_else(|| missing(recipe.program()))?;
    let version_program = find(&recipe.version[0]).ok_or_else(|| missing(&recipe.version[0]))?;
    let limits = Limits::default().overridden_by(&recipe.limits);
    let clocks = Clocks {
        wall: Duration::from_secs(10),
        cpu: Duration::from_secs(10),
        stdout_bytes: OUTPUT_BYTES,
        stderr_bytes: OUTPUT_BYTES,
    };
    let job = recipe.version_job(&version_program);
    let failed = |cause: &dyn std::error::Error| {
        absent(format!("{version_program} could not be asked for its version: {cause}"))
    };
    let bay = sandbox.bay(bay_limits(&limits)).await.map_err(|error| failed(&error))?;
    let report = runbay_sandbox::run(bay, &job, b"", &clocks).await.map_err(|error| failed(&error))?;
    if report.end != ProgramEnd::Exited(0) {
        return Err(absent(format!("{version_program} failed when asked for its version: {:?}", report.end)));
    }
    // Some print it to standard error.
    let printed = [report.stdout, report.stderr].concat();
    let version = find_version(&String::from_utf8_lossy(&printed))
        .ok_or_else(|| absent(format!("{version_program} printed no version")))?;
    Ok(Found { program, version })
}

/// Finds a program on the host where the bay will find it too.
fn find(name: &str) -> Option<String> {
    if name.contains('/') {
        return Path::new(name).is_file().then(|| name.to_owned());
    }
    SEARCH_PATH.iter().map(|directory| format!("{directory}/{name}")).find(|path| Path::new(path).is_file())
}

/// Finds the first word that starts like `3.11` and returns what belongs to it.
fn find_version(text: &str) -> Option<String> {
    let starts_version = |word: &&str| {
        word.split_once('.').is_some_and(|(major, rest)| {
            !major.is_empty()
                && major.bytes().all(|b| b.is_ascii_digit())
                && rest.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    text.split(|c: char| c.is_whitespace() || "v\"(),".contains(c)).find(starts_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (printed, version) in [
            ("Python 3.11.2\n", "3.11.2"),
            ("v20.20.2\n", "20.20.2"),
            ("openjdk version \"17.0.15\" 2025-04-15\n", "17.0.15"),
            ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\n", "12.2.0-14+deb12u1"),
            ("go version go1.19.8 linux/amd64\n1.19", "1.19"),
        ] {
            assert_eq!(find_version(printed).as_deref(), Some(version), "{printed}");
        }
        assert_eq!(find_version("no version here. 7"), None);
    }

    #[test]
    fn programs_are_found_where_bays_see_them() {
        assert_eq!(find("sh").as_deref(), Some("/usr/bin/sh"));
        assert_eq!(find("/bin/sh").as_deref(), Some("/bin/sh"));
        assert_eq!(find("no-such-program"), None);
        assert_eq!(find("/no/such/program"), None);
    }
}
