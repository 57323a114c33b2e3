//! Recipes: how a language is found, compiled, run, checked and limited. They are written in `languages/*.toml`.

mod error;
mod format;
mod hint;
mod jobs;
mod out_of_memory;
mod parse;
mod pattern;
mod words;

use std::path::PathBuf;

use runbay_model::LanguageId;
use runbay_model::LimitOverrides;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::SupportFile;

pub use error::RecipeError;
use hint::Hint;
pub(crate) use jobs::RunParts;
pub(crate) use out_of_memory::OutOfMemory;
pub(crate) use pattern::DiagnosticPattern;
use words::Text;
use words::Word;

/// The directories in which programs are looked for, on the host and in the bay.
pub(crate) const SEARCH_PATH: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

const MIB: u64 = 1024 * 1024;

/// How a language is found, compiled, run, checked and limited.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file that it was read from.
    pub file: String,
    /// The language's id.
    pub id: LanguageId,
    /// The language's name for people.
    pub name: String,
    /// Other names that requests may use.
    pub aliases: Vec<String>,
    /// The name of a program's first file when the client gives it none.
    pub entry: String,
    /// The code of a session that was opened without code.
    pub template: String,
    /// The limits in which the language differs from the defaults.
    pub limits: LimitOverrides,
    /// Paths of the host that the language needs besides `/usr`. Those that do not exist are left out.
    pub mounts: Vec<PathBuf>,
    /// Support files that the language needs in the bay.
    pub support_files: Vec<SupportFile>,
    /// The extensions of source files.
    extensions: Vec<String>,
    /// The command line that prints the version. The first word is the program.
    pub(crate) version: Vec<String>,
    /// Programs of the host that the language needs although no stage starts with them.
    pub(crate) programs: Vec<String>,
    pub(crate) compile: Option<CompileStage>,
    pub(crate) run: RunStage,
    pub(crate) check: Option<CheckStage>,
    /// The arguments with which the program of the run stage becomes the language's own prompt.
    repl: Option<Vec<Word>>,
    /// The environment of all stages.
    environment: Variables,
    memory: MemoryShares,
    pub(crate) out_of_memory: Vec<OutOfMemory>,
    hints: Vec<Hint>,
}

/// Variables of the environment, by name.
type Variables = Vec<(String, Text)>;

/// A program of the host with its arguments and environment.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    /// The program's name, which is looked for in [`SEARCH_PATH`], or its absolute path.
    pub(crate) program: String,
    arguments: Vec<Word>,
    environment: Variables,
}

#[derive(Debug, Clone)]
pub(crate) struct CompileStage {
    pub(crate) command: CommandLine,
    /// The name of the artefact, see [`CompileStage::artefact_path`].
    artefact: String,
}

#[derive(Debug, Clone)]
pub(crate) struct RunStage {
    pub(crate) program: RunProgram,
    arguments: Vec<Word>,
    environment: Variables,
    /// Variables with paths that come before those that a request gives in the same variable.
    search_paths: Variables,
}

/// The program that the run stage starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunProgram {
    /// A program of the host, see [`CommandLine::program`].
    Host(String),
    /// The artefact of the compile stage.
    Artefact,
}

#[derive(Debug, Clone)]
pub(crate) struct CheckStage {
    pub(crate) command: CommandLine,
    /// The command line that shows that the checker is there, where its program alone does not.
    pub(crate) version: Option<Vec<String>>,
    pub(crate) pattern: DiagnosticPattern,
}

/// What runtimes are told of the memory limit.
#[derive(Debug, Clone, Copy, Default)]
struct MemoryShares {
    /// The value of `{heap_mib}`, in percent of the memory limit.
    heap_percent: Option<u64>,
    /// How much more than the memory limit a process of the run stage may set aside.
    reserve_mib: Option<u64>,
}

impl Recipe {
    /// Returns whether the language has a prompt of its own.
    #[must_use]
    pub fn has_repl(&self) -> bool {
        self.repl.is_some()
    }

    /// Returns whether files with this ending are source files of the language.
    #[must_use]
    pub fn has_extension(&self, extension: &str) -> bool {
        self.extensions.iter().any(|known| known == extension)
    }

    /// Returns how much private writable memory one process of the run stage may set aside, used or not, when all
    /// processes together may use `memory_bytes`.
    ///
    /// Returns none when that has no limit.
    pub(crate) fn data_bytes(&self, memory_bytes: u64) -> Option<u64> {
        self.memory.reserve_mib.map(|reserve| memory_bytes.saturating_add(reserve * MIB))
    }

    /// Returns why a program may have failed that ended like this, as a part of a sentence that can follow a colon.
    /// `source` is its first file.
    pub(crate) fn hint(&self, end: ProgramEnd, source: &str, stderr: &[u8]) -> Option<&str> {
        self.hints.iter().find(|hint| hint.fits(end, source, stderr)).map(Hint::message)
    }

    /// Returns how much of `memory_bytes` the runtime is told to use for its heap. Returns none when it is told nothing.
    pub(crate) fn heap_bytes(&self, memory_bytes: u64) -> Option<u64> {
        self.memory.heap_percent.map(|percent| (share(memory_bytes, percent) / MIB).max(1) * MIB)
    }
}

fn share(bytes: u64, percent: u64) -> u64 {
    // Computed in two parts, neither of which can overflow.
    bytes / 100 * percent + bytes % 100 * percent / 100
}
