//! The programs that every language has, see the folder `programs`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use runbay_model::LimitOverrides;

use crate::expectations::Language;
use crate::host::Input;

/// What a program is about; its files in each language have this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Hello,
    Echo,
    ExitCode,
    UncaughtError,
    StackOverflow,
    OutOfMemory,
    TimeLimit,
    OutputLimit,
    Import,
    Unicode,
    Broken,
    KeptLine,
    Threads,
}

pub(crate) const PROGRAMS: &[Program] = &[
    Program::Hello,
    Program::Echo,
    Program::ExitCode,
    Program::UncaughtError,
    Program::StackOverflow,
    Program::OutOfMemory,
    Program::TimeLimit,
    Program::OutputLimit,
    Program::Import,
    Program::Unicode,
    Program::Broken,
    Program::KeptLine,
    Program::Threads,
];

impl Program {
    /// Returns the name of its file, without the ending.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Echo => "echo",
            Self::ExitCode => "exit_code",
            Self::UncaughtError => "uncaught_error",
            Self::StackOverflow => "stack_overflow",
            Self::OutOfMemory => "out_of_memory",
            Self::TimeLimit => "time_limit",
            Self::OutputLimit => "output_limit",
            Self::Import => "import",
            Self::Unicode => "unicode",
            Self::Broken => "broken",
            Self::KeptLine => "kept_line",
            Self::Threads => "threads",
        }
    }

    /// Returns what is run, and how.
    pub(crate) fn input(self, language: &Language) -> Input {
        let input = Input { files: files(language, self.file_name()), ..Input::default() };
        match self {
            Self::Echo => Input {
                args: if language.takes_args { vec!["first".to_owned(), "two words".to_owned()] } else { Vec::new() },
                stdin: b"line one\nline two\n".to_vec(),
                ..input
            },
            Self::Unicode => Input { stdin: "añ→界\n".into(), ..input },
            // They use all the time they get, in all languages one after the other.
            Self::TimeLimit | Self::KeptLine => {
                Input { limits: LimitOverrides { cpu_time_ms: Some(800), ..LimitOverrides::default() }, ..input }
            }
            // Bash computes for a second until it is deep enough, which takes long on a host that is busy.
            Self::StackOverflow => {
                Input { limits: LimitOverrides { wall_time_ms: Some(30_000), ..LimitOverrides::default() }, ..input }
            }
            _ => input,
        }
    }
}

/// Returns the files of a program, the entry first.
pub(crate) fn files(language: &Language, program: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/programs").join(language.id);
    let ending = language.entry.rsplit_once('.').map_or("", |(_, ending)| ending);
    let file = folder.join(format!("{program}.{ending}"));
    if file.is_file() {
        return vec![(language.entry.to_owned(), read(&file))];
    }
    files_below(&folder.join(program), |name| name == language.entry)
}

/// Returns the files below a folder, the entry first.
pub(crate) fn files_below(folder: &Path, is_entry: impl Fn(&str) -> bool) -> Vec<(String, Vec<u8>)> {
    let mut paths = Vec::new();
    find_files(folder, &mut paths);
    let name = |path: &PathBuf| path.strip_prefix(folder).expect("it was found there").display().to_string();
    let mut files: Vec<_> = paths.iter().map(|path| (name(path), read(path))).collect();
    files.sort_by_key(|(name, _)| (!is_entry(name), name.clone()));
    files
}

fn find_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() { find_files(&path, found) } else { found.push(path) }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
