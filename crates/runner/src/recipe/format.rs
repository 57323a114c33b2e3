//! The file format. Every value has its place, so that errors can name it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// Names with values.
pub(super) type Table<T> = BTreeMap<Spanned<String>, Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipeFile {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) aliases: Vec<Spanned<String>>,
    pub(super) entry: Spanned<String>,
    pub(super) version: Spanned<Vec<String>>,
    #[serde(default)]
    pub(super) programs: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) sources: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) mounts: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) support: Vec<Spanned<String>>,
    pub(super) template: Spanned<String>,
    pub(super) compile: Option<CompileTable>,
    pub(super) run: RunTable,
    pub(super) check: Option<CheckTable>,
    pub(super) repl: Option<ReplTable>,
    #[serde(default)]
    pub(super) environment: Table<String>,
    #[serde(default)]
    pub(super) memory: MemoryTable,
    #[serde(default)]
    pub(super) out_of_memory: Vec<OutOfMemoryTable>,
    #[serde(default)]
    pub(super) hint: Vec<HintTable>,
    #[serde(default)]
    pub(super) limits: Table<u64>,
}

/// A program's name, then its arguments.
pub(super) type Argv = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompileTable {
    pub(super) argv: Argv,
    pub(super) artefact: Spanned<String>,
    #[serde(default)]
    pub(super) environment: Table<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunTable {
    pub(super) argv: Argv,
    #[serde(default)]
    pub(super) environment: Table<String>,
    #[serde(default)]
    pub(super) search_paths: Table<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplTable {
    pub(super) argv: Argv,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckTable {
    pub(super) argv: Argv,
    pub(super) version: Option<Spanned<Vec<String>>>,
    pub(super) pattern: Spanned<String>,
    pub(super) warnings: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) environment: Table<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryTable {
    pub(super) heap_percent: Option<Spanned<u64>>,
    pub(super) reserve_mib: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutOfMemoryTable {
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<Spanned<String>>,
    pub(super) stderr: Spanned<String>,
    #[serde(default)]
    pub(super) any_line: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HintTable {
    pub(super) signal: Option<Spanned<String>>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) stderr: Option<Spanned<String>>,
    pub(super) message: Spanned<String>,
}
