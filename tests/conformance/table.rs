//! The table of languages and programs, as docs/languages.md has it.

use std::fmt;
use std::fs;
use std::path::Path;

use runbay_model::Fault;
use runbay_model::Outcome;
use runbay_model::Verdict;

use crate::expectations::LANGUAGES;
use crate::programs::PROGRAMS;

/// A heading, then a row for each language.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let names = PROGRAMS.iter().map(|program| program.file_name().replace('_', " "));
        let mut rows = vec![std::iter::once("language".to_owned()).chain(names).collect::<Vec<_>>()];
        for language in LANGUAGES {
            let cells = PROGRAMS.iter().map(|_| String::new());
            rows.push(std::iter::once(language.id.to_owned()).chain(cells).collect());
        }
        Self { rows }
    }

    pub(crate) fn set(&mut self, language: usize, program: usize, cell: &str) {
        cell.clone_into(&mut self.rows[language + 1][program + 1]);
    }

    /// Asserts that the documentation says the same.
    pub(crate) fn assert_documented(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/languages.md");
        let text = fs::read_to_string(path).expect("the documentation can be read");
        assert!(text.contains(&self.to_string()), "docs/languages.md has another table; put in this one:\n{self}");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.rows[0].len()).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(formatter, "| {cell:width$} ")?;
            }
            writeln!(formatter, "|")?;
            if number == 0 {
                for width in &widths {
                    write!(formatter, "| {:-<width$} ", "")?;
                }
                writeln!(formatter, "|")?;
            }
        }
        Ok(())
    }
}

/// Says in a word how a program ended.
pub(crate) fn cell(verdict: Verdict, outcome: &Outcome) -> String {
    match verdict {
        Verdict::Completed => "ok".to_owned(),
        Verdict::TimedOut(_) => "time".to_owned(),
        Verdict::Failed(Fault::MemoryLimit) => "memory".to_owned(),
        Verdict::Failed(Fault::OutputLimit) => "output".to_owned(),
        Verdict::Failed(Fault::ProcessLimit) => "processes".to_owned(),
        Verdict::Failed(Fault::CompileError) => "compile".to_owned(),
        Verdict::Failed(Fault::RuntimeError) => match (outcome.facts.exit_code, &outcome.facts.signal) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => signal.clone(),
            (None, None) => "failed".to_owned(),
        },
    }
}
