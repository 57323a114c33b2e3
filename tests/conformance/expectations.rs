//! What is expected of each program in each language.

use runbay_model::Fault;
use runbay_model::Outcome;
use runbay_model::Verdict;

use crate::programs::Program;

/// What differs from language to language.
pub(crate) struct Language {
    pub(crate) id: &'static str,
    /// The name of the first file of its programs.
    pub(crate) entry: &'static str,
    /// Programs that it cannot have, see docs/languages.md for the reasons.
    pub(crate) without: &'static [Program],
    pub(crate) takes_args: bool,
    /// Whether results have a heading.
    heads_results: bool,
    uncaught_error: Failure,
    stack_overflow: Failure,
    out_of_memory: Failure,
    broken: Failure,
}

/// How a program fails, and what the person who wrote it is told.
#[derive(Clone, Copy)]
struct Failure {
    end: End,
    told: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(&'static str),
    /// The memory limit, noticed by kernel or runtime.
    Memory,
    Time,
    Output,
    Compile,
}

/// What is expected of one program in one language.
pub(crate) struct Expectation {
    end: End,
    stdout: Stdout,
    /// Text in standard error, or in what the compiler said.
    told: &'static str,
}

enum Stdout {
    Is(&'static str),
    /// There may be a heading above.
    EndsWith(&'static str),
    /// This many bytes.
    Long(usize),
    Any,
}

const fn exit(code: i32, told: &'static str) -> Failure {
    Failure { end: End::Exit(code), told }
}

const fn signal(name: &'static str, told: &'static str) -> Failure {
    Failure { end: End::Signal(name), told }
}

const fn memory(told: &'static str) -> Failure {
    Failure { end: End::Memory, told }
}

const fn compile_error(told: &'static str) -> Failure {
    Failure { end: End::Compile, told }
}

/// The kernel ended it, which leaves it no time for words.
const KILLED: Failure = memory("");

/// In the order in which languages are listed.
pub(crate) const LANGUAGES: &[Language] = &[
    Language {
        id: "python",
        entry: "main.py",
        uncaught_error: exit(1, "File \"/box/main.py\", line 2, in fail"),
        stack_overflow: exit(1, "RecursionError: maximum recursion depth exceeded"),
        broken: exit(1, "File \"/box/main.py\", line 5"),
        ..USUAL
    },
    Language {
        id: "javascript",
        entry: "main.js",
        uncaught_error: exit(1, "at fail (/box/main.js:2:9)"),
        stack_overflow: exit(1, "RangeError: Maximum call stack size exceeded"),
        broken: exit(1, "/box/main.js:5"),
        ..USUAL
    },
    Language {
        id: "typescript",
        entry: "main.ts",
        uncaught_error: exit(1, "at fail (/box/main.ts:6:9)"),
        stack_overflow: exit(1, "at dig (/box/main.ts:2:10)"),
        broken: compile_error("main.ts:5:21:"),
        ..USUAL
    },
    Language {
        id: "java",
        entry: "Main.java",
        uncaught_error: exit(1, "at Main.fail(Main.java:3)"),
        stack_overflow: exit(1, "java.lang.StackOverflowError"),
        out_of_memory: memory("java.lang.OutOfMemoryError: Java heap space"),
        broken: compile_error("Main.java:7: error: ')' expected"),
        ..USUAL
    },
    Language {
        id: "c",
        entry: "main.c",
        uncaught_error: signal("SIGABRT", "main.c:4: fail: Assertion `flux > 0' failed."),
        stack_overflow: signal("SIGSEGV", ""),
        broken: compile_error("main.c:5:5: error: expected"),
        ..USUAL
    },
    Language {
        id: "cpp",
        entry: "main.cpp",
        // An exception that nobody catches has no line.
        uncaught_error: signal("SIGABRT", "what():  the flux is low"),
        stack_overflow: signal("SIGSEGV", ""),
        broken: compile_error("main.cpp:5:5: error: expected"),
        ..USUAL
    },
    Language {
        id: "go",
        entry: "main.go",
        uncaught_error: exit(2, "/box/main.go:4"),
        // Stacks grow up to 1 GB.
        stack_overflow: KILLED,
        broken: compile_error("./main.go:6:9:"),
        ..USUAL
    },
    Language {
        id: "rust",
        entry: "main.rs",
        uncaught_error: exit(101, "main.rs:2:5"),
        stack_overflow: signal("SIGABRT", "has overflowed its stack"),
        broken: compile_error("main.rs:3:24"),
        ..USUAL
    },
    Language {
        id: "ruby",
        entry: "main.rb",
        uncaught_error: exit(1, "main.rb:2:in `fail!': the flux is low (ArgumentError)"),
        stack_overflow: exit(1, "stack level too deep (SystemStackError)"),
        broken: exit(1, "main.rb:5: syntax error"),
        ..USUAL
    },
    Language {
        id: "php",
        entry: "main.php",
        without: &[Program::Threads],
        uncaught_error: exit(255, "RuntimeException: the flux is low in /box/main.php:4"),
        // Calls are kept in ordinary memory.
        stack_overflow: memory("Allowed memory size"),
        out_of_memory: memory("Allowed memory size"),
        broken: exit(255, "/box/main.php on line 7"),
        ..USUAL
    },
    Language {
        id: "bash",
        entry: "main.sh",
        uncaught_error: exit(1, "main.sh: line 4: flux / 0: division by 0"),
        stack_overflow: exit(1, "main.sh: line 2: dig: maximum function nesting level exceeded"),
        broken: exit(2, "main.sh: line 3: syntax error near unexpected token"),
        ..USUAL
    },
    Language {
        id: "perl",
        entry: "main.pl",
        uncaught_error: exit(255, "the flux is low at main.pl line 5."),
        // Calls are kept in ordinary memory.
        stack_overflow: KILLED,
        broken: exit(255, "at main.pl line 5."),
        ..USUAL
    },
    Language {
        id: "lua",
        entry: "main.lua",
        uncaught_error: exit(1, "main.lua:2: the flux is low"),
        stack_overflow: exit(1, "stack overflow"),
        broken: exit(1, "main.lua:4: 'end' expected"),
        ..USUAL
    },
    Language {
        id: "sql",
        entry: "main.sql",
        without: &[Program::Threads],
        takes_args: false,
        heads_results: true,
        uncaught_error: exit(1, "near line 3: CHECK constraint failed"),
        stack_overflow: exit(1, "too many levels of trigger recursion"),
        broken: exit(1, "Parse error near line 3: near \"SELEC\": syntax error"),
        ..USUAL
    },
];

const USUAL: Language = Language {
    id: "",
    entry: "",
    without: &[],
    takes_args: true,
    heads_results: false,
    uncaught_error: exit(1, ""),
    stack_overflow: exit(1, ""),
    out_of_memory: KILLED,
    broken: exit(1, ""),
};

impl Language {
    pub(crate) fn expectation(&self, program: Program) -> Expectation {
        let prints = |text| if self.heads_results { Stdout::EndsWith(text) } else { Stdout::Is(text) };
        let (end, stdout) = match program {
            Program::Hello => (End::Exit(0), prints("Hello, World!\n")),
            Program::Echo if self.takes_args => (End::Exit(0), Stdout::Is("first\ntwo words\nline one\nline two\n")),
            Program::Echo => (End::Exit(0), Stdout::Is("line one\nline two\n")),
            Program::ExitCode => (End::Exit(3), prints("before\n")),
            Program::TimeLimit => (End::Time, Stdout::Is("")),
            Program::OutputLimit => (End::Output, Stdout::Long(1024 * 1024)),
            Program::Import => (End::Exit(0), prints("Hello, Ada!\n")),
            // What comes in goes out backwards, letter by letter; SQL has no loop for that.
            Program::Unicode if self.id == "sql" => (End::Exit(0), Stdout::Is("Grüße, 世界 🦀\nañ→界\n")),
            Program::Unicode => (End::Exit(0), Stdout::Is("Grüße, 世界 🦀\n界→ña\n")),
            Program::KeptLine => (End::Time, prints("before the loop\n")),
            Program::Threads => (End::Exit(0), Stdout::Is("50\n")),
            Program::UncaughtError => return self.uncaught_error.into(),
            Program::StackOverflow => return self.stack_overflow.into(),
            Program::OutOfMemory => return self.out_of_memory.into(),
            Program::Broken => return self.broken.into(),
        };
        Expectation { end, stdout, told: "" }
    }
}

impl From<Failure> for Expectation {
    fn from(failure: Failure) -> Self {
        Self { end: failure.end, stdout: Stdout::Any, told: failure.told }
    }
}

impl Expectation {
    /// Returns what is not as it should be.
    pub(crate) fn compare(&self, verdict: Verdict, outcome: &Outcome) -> Option<String> {
        if !self.end.is(verdict, outcome) {
            return Some("ended in another way".to_owned());
        }
        let warned = outcome.output.compile_output.as_ref().is_some_and(|said| !said.is_empty());
        if self.end == End::Exit(0) && warned {
            return Some("was compiled with words that nobody who wrote it can do anything about".to_owned());
        }
        let stdout = String::from_utf8_lossy(&outcome.output.stdout);
        let printed = match self.stdout {
            Stdout::Is(text) => stdout == text,
            Stdout::EndsWith(text) => stdout.ends_with(text),
            Stdout::Long(length) => outcome.output.stdout.len() == length && outcome.facts.stdout_truncated,
            Stdout::Any => true,
        };
        if !printed {
            return Some("printed something else".to_owned());
        }
        let said = if self.end == End::Compile {
            outcome.output.compile_output.as_deref()
        } else {
            Some(&*outcome.output.stderr)
        };
        let told = said.is_some_and(|said| String::from_utf8_lossy(said).contains(self.told));
        (!told).then(|| format!("did not say {:?}", self.told))
    }
}

impl End {
    fn is(self, verdict: Verdict, outcome: &Outcome) -> bool {
        match self {
            Self::Exit(0) => verdict == Verdict::Completed,
            Self::Exit(code) => {
                verdict == Verdict::Failed(Fault::RuntimeError) && outcome.facts.exit_code == Some(code)
            }
            Self::Signal(name) => {
                verdict == Verdict::Failed(Fault::RuntimeError) && outcome.facts.signal.as_deref() == Some(name)
            }
            Self::Memory => verdict == Verdict::Failed(Fault::MemoryLimit),
            Self::Time => matches!(verdict, Verdict::TimedOut(_)),
            Self::Output => verdict == Verdict::Failed(Fault::OutputLimit),
            Self::Compile => verdict == Verdict::Failed(Fault::CompileError),
        }
    }
}
