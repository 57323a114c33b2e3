//! `runbay run`: one program in a sandbox, without a server.

use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use runbay_model::MAX_SOURCE_BYTES;
use runbay_model::MAX_STDIN_BYTES;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::Verdict;
use runbay_runner::Recipe;
use runbay_runner::embedded_recipes;

use crate::identity;
use crate::sandbox;

/// Exit code when the program ran out of time, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// Exit code when the program was stopped for another reason and has no exit code of its own.
const STOPPED: u8 = 125;

/// Run one program in a sandbox; the exit code is the program's.
///
/// Its output is written when it has ended, then one line about its times to standard error.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The program; its ending tells the language
    file: PathBuf,

    /// Language, if the ending does not tell it
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// File to read as standard input, - for this command's own [default: empty]
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,

    /// Account to run as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,

    /// Arguments for the program
    #[arg(last = true)]
    args: Vec<String>,
}

impl Run {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let recipe = find_recipe(embedded_recipes()?, &self.file, self.language.as_deref())?;
        let input = RunInput {
            language: recipe.id.clone(),
            source_code: String::from_utf8(read(&self.file, MAX_SOURCE_BYTES)?)
                .with_context(|| format!("{} is not UTF-8 text", self.file.display()))?,
            stdin: self.stdin.as_deref().map(|file| read(file, MAX_STDIN_BYTES)).transpose()?.unwrap_or_default(),
            args: self.args,
        };
        let seed = sandbox::start_small(Some(&[recipe.id.to_string()]))?;
        identity::drop_rights(self.user.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        let (verdict, outcome) = runtime.block_on(async {
            let (runner, absent) = seed.grow().await?;
            if let Some(absent) = absent.first() {
                anyhow::bail!("{} cannot be run on this host: {}", absent.language, absent.why);
            }
            Ok(runner.run(&input).await?)
        })?;
        std::io::stdout().write_all(&outcome.stdout)?;
        std::io::stderr().write_all(&outcome.stderr)?;
        writeln!(std::io::stderr(), "{}", summary(&outcome))?;
        Ok(exit_code(verdict, &outcome))
    }
}

fn find_recipe(recipes: Vec<Recipe>, file: &Path, language: Option<&str>) -> anyhow::Result<Recipe> {
    let fits = |recipe: &Recipe| match language {
        Some(name) => recipe.id.as_str() == name || recipe.aliases.iter().any(|alias| alias == name),
        None => file.extension().is_some() && Path::new(&recipe.entry).extension() == file.extension(),
    };
    let known: Vec<_> = recipes.iter().map(|recipe| recipe.id.to_string()).collect();
    recipes.into_iter().find(fits).with_context(|| match language {
        Some(name) => format!("there is no language {name:?}; there are {}", known.join(", ")),
        None => format!(
            "the ending of {} tells no language; choose one of {} with --language",
            file.display(),
            known.join(", ")
        ),
    })
}

/// Reads a file of at most `limit` bytes.
fn read(file: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let context = || format!("failed to read {}", file.display());
    let mut bytes = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if file == Path::new("-") {
        std::io::stdin().lock().take(room).read_to_end(&mut bytes).with_context(context)?;
    } else {
        std::fs::File::open(file).with_context(context)?.take(room).read_to_end(&mut bytes).with_context(context)?;
    }
    anyhow::ensure!(bytes.len() <= limit, "{} is larger than {limit} bytes", file.display());
    Ok(bytes)
}

/// Says in one line how the program ended and what it used.
fn summary(outcome: &Outcome) -> String {
    let milliseconds = |time: Option<Duration>| {
        time.map_or_else(|| "unknown".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
    };
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
    let memory = outcome
        .memory_bytes
        .map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)));
    format!(
        "runbay: {} Time {}, CPU {}, memory {memory}.",
        outcome.message.as_deref().unwrap_or("Completed."),
        milliseconds(outcome.execution_time),
        milliseconds(outcome.cpu_time),
    )
}

fn exit_code(verdict: Verdict, outcome: &Outcome) -> ExitCode {
    if let Verdict::TimedOut(_) = verdict {
        return ExitCode::from(TIMED_OUT);
    }
    match outcome.exit_code.and_then(|code| u8::try_from(code).ok()) {
        Some(0) if verdict != Verdict::Completed => ExitCode::from(STOPPED),
        Some(code) => ExitCode::from(code),
        None => ExitCode::from(STOPPED),
    }
}
