//! Probes: which recipes work on this host.

use std::error::Error;
use std::ffi::OsStr;
use std::future::pending;
use std::path::Path;

use runbay_model::Limits;
use runbay_sandbox::ProgramEnd;

use crate::bays::Bays;
use crate::bays::Purpose;
use crate::recipe::Recipe;
use crate::recipe::RunProgram;
use crate::recipe::SEARCH_PATH;

/// A language that is not offered, or one that is offered without a checker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The language's id.
    pub language: String,
    /// The reason and the remedy.
    pub why: String,
}

/// The programs that a probe found on the host.
#[derive(Debug)]
pub(crate) struct Found {
    /// The version that the language's program prints.
    pub(crate) version: String,
    /// The absolute paths of the program that prints the version and of others that stages use.
    pub(crate) programs: Vec<String>,
    /// The absolute paths of the programs of the stages. None where the recipe names none.
    pub(crate) compiler: Option<String>,
    pub(crate) runtime: Option<String>,
    /// The checker, or the reason why there is none. A language works without one.
    pub(crate) checker: Result<Option<String>, Absent>,
}

/// Looks for a recipe's programs and runs them in a bay to get their version.
pub(crate) async fn probe(bays: &Bays, recipe: &Recipe) -> Result<Found, Absent> {
    let absent = |why: String| Absent { language: recipe.id.to_string(), why };
    let look_for = |name: &str| look_for(name).map_err(absent);
    let runtime = match &recipe.run.program {
        RunProgram::Host(name) => Some(look_for(name)?),
        RunProgram::Artefact => None,
    };
    let compiler = recipe.compile.as_ref().map(|stage| look_for(&stage.command.program)).transpose()?;
    let mut programs = vec![look_for(&recipe.version[0])?];
    for name in &recipe.programs {
        programs.push(look_for(name)?);
    }
    let version = ask_version(bays, recipe, &programs[0], &recipe.version).await.map_err(absent)?;
    let checker = find_checker(bays, recipe).await.map_err(absent);
    Ok(Found { version, programs, compiler, runtime, checker })
}

async fn find_checker(bays: &Bays, recipe: &Recipe) -> Result<Option<String>, String> {
    let Some(stage) = &recipe.check else { return Ok(None) };
    let checker = look_for(&stage.command.program)?;
    if let Some(argv) = &stage.version
        && let Some(name) = argv.first()
    {
        let failed = |why| format!("{why}; it may need another package, see the language's recipe");
        ask_version(bays, recipe, &look_for(name)?, argv).await.map_err(failed)?;
    }
    Ok(Some(checker))
}

async fn ask_version(bays: &Bays, recipe: &Recipe, program: &str, argv: &[String]) -> Result<String, String> {
    let limits = Limits::default().overridden_by(&recipe.limits);
    let report = bays.run(Purpose::Version, &limits, &recipe.version_invocation(program, argv), pending()).await;
    let report = report.map_err(|fault| {
        let cause = fault.source().map_or_else(|| fault.to_string(), ToString::to_string);
        format!("{program} could not be asked for its version: {cause}")
    })?;
    if report.end != ProgramEnd::Exited(0) {
        return Err(format!("{program} failed when asked for its version: {:?}", report.end));
    }
    // Some programs print their version to standard error.
    let printed = [report.stdout, report.stderr].concat();
    find_version(&String::from_utf8_lossy(&printed)).ok_or_else(|| format!("{program} printed no version"))
}

fn look_for(name: &str) -> Result<String, String> {
    find(name).ok_or_else(|| why_missing(name, std::env::var_os("PATH").as_deref()))
}

/// Says why a program is not found; `path` is where the operator's shell looks.
fn why_missing(name: &str, path: Option<&OsStr>) -> String {
    let advice = "install it there, for example with apt-get install";
    let seen = SEARCH_PATH.join(", ");
    let elsewhere = std::env::split_paths(path.unwrap_or_default())
        .map(|directory| directory.join(name))
        .find(|program| !name.contains('/') && program.is_absolute() && program.is_file());
    match elsewhere {
        Some(program) => {
            let program = program.display();
            format!("{program} cannot be used, as bays see programs in {seen} only; {advice}")
        }
        None if name.contains('/') => format!("there is no file {name}"),
        None => format!(
            "{name} was not found in {seen}, where bays see programs; {advice}, even if your user has one elsewhere"
        ),
    }
}

/// Finds a program on the host in the places where the bay finds it.
fn find(name: &str) -> Option<String> {
    if name.contains('/') {
        return Path::new(name).is_file().then(|| name.to_owned());
    }
    SEARCH_PATH.iter().map(|directory| format!("{directory}/{name}")).find(|path| Path::new(path).is_file())
}

/// Returns the version in the first word like `3.11` or `go1.19`.
fn find_version(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "\"'(),;:=".contains(c))
        .map(|word| word.trim_start_matches(|c: char| c.is_ascii_alphabetic()))
        .find(|word| starts_version(word))
        .map(str::to_owned)
}

fn starts_version(word: &str) -> bool {
    word.split_once('.').is_some_and(|(major, rest)| {
        !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_digit())
    })
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
            ("IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17.0.16\"\n", "17.0.16"),
            ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\n", "12.2.0-14+deb12u1"),
            ("go version go1.19.8 linux/amd64\n", "1.19.8"),
            ("This is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux-gnu-thread-multi", "5.36.0"),
            ("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", "5.2.15"),
        ] {
            assert_eq!(find_version(printed).as_deref(), Some(version), "{printed}");
        }
        assert_eq!(find_version("no version here. 7"), None);
    }

    #[test]
    fn a_program_that_only_the_operator_has_is_said_to_be_of_no_use() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("rustc"), "").unwrap();
        let why = why_missing("rustc", Some(home.path().as_os_str()));
        assert!(why.starts_with(&format!("{}/rustc cannot be used", home.path().display())), "{why}");
        let why = why_missing("rustc", None);
        assert!(
            why.starts_with("rustc was not found in /usr/local/bin, /usr/bin, /bin") && why.contains("apt-get"),
            "{why}"
        );
        assert_eq!(why_missing("/opt/no/rustc", None), "there is no file /opt/no/rustc");
    }

    #[test]
    fn programs_are_found_where_bays_see_them() {
        assert_eq!(find("sh").as_deref(), Some("/usr/bin/sh"));
        assert_eq!(find("/bin/sh").as_deref(), Some("/bin/sh"));
        assert_eq!(find("no-such-program"), None);
        assert_eq!(find("/no/such/program"), None);
    }
}
