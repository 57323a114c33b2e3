//! The check stage: what a language's checker reports on code without running it.

use std::collections::HashSet;
use std::future::pending;

use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::Limits;
use runbay_model::Severity;
use runbay_model::Sources;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;

use crate::bays::Bays;
use crate::fault::RunFault;
use crate::installed::Installed;
use crate::limits::TOOL_OUTPUT_BYTES;
use crate::recipe::DiagnosticPattern;
use crate::tool;

/// The most diagnostics of a report. More help nobody.
const MAX_DIAGNOSTICS: usize = 200;

/// Checks code in a bay.
///
/// CANCEL: dropping the future kills the checker.
pub(crate) async fn check(bays: &Bays, installed: &Installed, sources: &Sources) -> Result<CheckReport, RunFault> {
    let (Some(stage), Ok(Some(checker))) = (&installed.recipe.check, &installed.found.checker) else {
        let message = Some(format!("There is no checker for {}.", installed.recipe.name));
        return Ok(CheckReport { diagnostics: Vec::new(), message });
    };
    let invocation = installed.recipe.check_invocation(stage, checker, sources, &installed.limits);
    let report = tool::run(bays, &invocation, &installed.limits, pending()).await?;
    Ok(read(report, &stage.pattern, &installed.limits))
}

fn read(mut report: Report, pattern: &DiagnosticPattern, limits: &Limits) -> CheckReport {
    let stopped = tool::why_stopped("checker", &report, limits);
    runbay_model::cut_at_character(&mut report.stdout, TOOL_OUTPUT_BYTES);
    let output = String::from_utf8_lossy(&report.stdout);
    // A file that several others use is reported again with each of them.
    let mut told = HashSet::new();
    let mut found = pattern.find(&output).filter(|diagnostic| told.insert(diagnostic.clone()));
    let mut diagnostics: Vec<_> = found.by_ref().take(MAX_DIAGNOSTICS).collect();
    let more = found.next().map(|_| format!("There are more than {MAX_DIAGNOSTICS} diagnostics; these are the first."));
    if let (None, ProgramEnd::Exited(code @ 1..), true) = (&stopped, report.end, diagnostics.is_empty()) {
        diagnostics.push(unread(code, &output));
    }
    CheckReport { diagnostics, message: stopped.or(more) }
}

/// Returns a diagnostic for a checker that failed with output that its pattern does not match.
fn unread(code: i32, output: &str) -> Diagnostic {
    let said = output.lines().map(str::trim).find(|line| !line.is_empty());
    let message = said.map_or_else(|| format!("The checker ended with exit code {code}."), str::to_owned);
    Diagnostic { file: None, line: None, column: None, severity: Severity::Error, message }
}
