//! The same programs in every language, each through the real runner in a real bay.

mod added_language;
mod bash;
mod checks;
mod environment;
mod expectations;
mod host;
mod java;
mod last_line;
mod libraries;
mod listing;
mod network_names;
mod no_program;
mod programs;
mod python;
mod python_packages;
mod ruby;
mod several_sources;
mod shapes;
mod sql;
mod table;
mod typescript;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::expectations::LANGUAGES;
use crate::expectations::Language;
use crate::host::Host;
use crate::programs::PROGRAMS;
use crate::programs::Program;
use crate::table::Table;

/// How many programs run at one time: their clocks run too.
const AT_ONCE: usize = 2;

/// What came of one program in one language.
struct Finding {
    language: usize,
    program: usize,
    /// What the table says.
    cell: String,
    /// Why it is not what was expected.
    complaint: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_language_does_the_same() {
    let host = Arc::new(Host::open().await);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (language_index, language) in LANGUAGES.iter().enumerate() {
        for (program_index, program) in PROGRAMS.iter().enumerate() {
            let (host, turns) = (Arc::clone(&host), Arc::clone(&turns));
            running.spawn(async move {
                let _turn = turns.acquire_owned().await;
                let (cell, complaint) = find_out(&host, language, *program).await;
                Finding { language: language_index, program: program_index, cell, complaint }
            });
        }
    }
    let findings = running.join_all().await;
    let mut table = Table::new();
    for finding in &findings {
        table.set(finding.language, finding.program, &finding.cell);
    }
    println!("{table}");
    let complaints: Vec<_> = findings.into_iter().filter_map(|finding| finding.complaint).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n\n"));
    table.assert_documented();
}

async fn find_out(host: &Host, language: &Language, program: Program) -> (String, Option<String>) {
    if language.without.contains(&program) {
        return ("n/a".to_owned(), None);
    }
    let (verdict, outcome) = host.run(language.id, program.input(language)).await;
    let complaint = language.expectation(program).compare(verdict, &outcome);
    let complaint = complaint
        .map(|complaint| format!("{} {}: {complaint}\n{verdict:?} {outcome:#?}", language.id, program.file_name()));
    (table::cell(verdict, &outcome), complaint)
}
