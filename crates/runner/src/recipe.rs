//! Recipes: how a language is found, compiled, run, checked and limited, as written in `languages/*.toml`.

mod error;
mod format;
mod jobs;
mod out_of_memory;
mod parse;
mod pattern;
mod words;

use std::path::PathBuf;

use runbay_model::LanguageId;
use runbay_model::LimitOverrides;
use runbay_sandbox::SupportFile;

pub use error::RecipeError;
pub(crate) use jobs::RunParts;
pub(crate) use out_of_memory::OutOfMemory;
pub(crate) use pattern::DiagnosticPattern;
use words::Text;
use words::Word;

/// Where programs are looked for, on the host and in the bay.
pub(crate) const SEARCH_PATH: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// How a language is found, compiled, run, checked and limited.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file that it was read from.
    pub file: String,
    /// The language's id.
    pub id: LanguageId,
    /// Its name for people.
    pub name: String,
    /// Other names that requests may use.
    pub aliases: Vec<String>,
    /// The name of the first file of a program, where a client does not give it one.
    pub entry: String,
    /// The code of a session that was opened without any.
    pub template: String,
    /// The limits that differ from the defaults.
    pub limits: LimitOverrides,
    /// Host paths that the language needs besides `/usr`, where they exist.
    pub mounts: Vec<PathBuf>,
    /// Files of ours that it needs in the bay.
    pub support_files: Vec<SupportFile>,
    /// The endings of source files.
    extensions: Vec<String>,
    /// What prints the version; the first word is the program.
    pub(crate) version: Vec<String>,
    /// Programs of the host that are needed although no stage starts with them.
    pub(crate) programs: Vec<String>,
    pub(crate) compile: Option<CompileStage>,
    pub(crate) run: RunStage,
    pub(crate) check: Option<CheckStage>,
    /// Of all stages.
    environment: Variables,
    memory: MemoryShares,
    pub(crate) out_of_memory: Vec<OutOfMemory>,
}

/// What is added to the environment, by name.
type Variables = Vec<(String, Text)>;

/// A program of the host with its arguments and environment.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    /// Its name, to be found along [`SEARCH_PATH`], or its absolute path.
    pub(crate) program: String,
    arguments: Vec<Word>,
    environment: Variables,
}

#[derive(Debug, Clone)]
pub(crate) struct CompileStage {
    pub(crate) command: CommandLine,
    /// The name of what is kept, see [`CompileStage::artefact_path`].
    artefact: String,
}

#[derive(Debug, Clone)]
pub(crate) struct RunStage {
    pub(crate) program: RunProgram,
    arguments: Vec<Word>,
    environment: Variables,
}

/// What the run stage starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunProgram {
    /// A program of the host, see [`CommandLine::program`].
    Host(String),
    /// What the compile stage made.
    Artefact,
}

#[derive(Debug, Clone)]
pub(crate) struct CheckStage {
    pub(crate) command: CommandLine,
    /// What shows that the checker is there, where its program alone does not.
    pub(crate) version: Option<Vec<String>>,
    pub(crate) pattern: DiagnosticPattern,
}

/// Parts of the memory limit that runtimes are told, in percent.
#[derive(Debug, Clone, Copy, Default)]
struct MemoryShares {
    /// What one process of the run stage may have as private writable memory.
    data_percent: Option<u64>,
    /// What `{heap_mib}` stands for.
    heap_percent: Option<u64>,
}

impl Recipe {
    /// Returns whether files with this ending are source files of the language.
    #[must_use]
    pub fn has_extension(&self, extension: &str) -> bool {
        self.extensions.iter().any(|known| known == extension)
    }

    /// Returns how much private writable memory one process of the run stage may have, when all together may have
    /// `memory_bytes`; none for no limit of its own.
    pub(crate) fn data_bytes(&self, memory_bytes: u64) -> Option<u64> {
        self.memory.data_percent.map(|percent| share(memory_bytes, percent))
    }
}

fn share(bytes: u64, percent: u64) -> u64 {
    // In two parts, of which none can overflow.
    bytes / 100 * percent + bytes % 100 * percent / 100
}
