//! The pattern of a checker's output.

use regex::Captures;
use regex::Regex;
use regex::RegexBuilder;
use runbay_model::Diagnostic;
use runbay_model::Severity;

/// The groups that a pattern may have.
const GROUPS: &[&str] = &["file", "line", "column", "caret", "severity", "message"];

/// Finds diagnostics in the output of a checker.
#[derive(Debug, Clone)]
pub(crate) struct DiagnosticPattern {
    finding: Regex,
    /// Messages that are only warnings, whatever the checker calls them.
    warnings: Option<Regex>,
}

impl DiagnosticPattern {
    /// Parses a regular expression in which `^` and `$` match at every line.
    ///
    /// The error continues a sentence that starts with the pattern's place.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text).multi_line(true).build().map_err(|error| problem(&error))?;
        if let Some(unknown) = regex.capture_names().flatten().find(|name| !GROUPS.contains(name)) {
            return Err(format!("has the unknown group {unknown:?}; there are {}", GROUPS.join(", ")));
        }
        if !regex.capture_names().flatten().any(|name| name == "message") {
            return Err("must have a group (?P<message>..)".to_owned());
        }
        Ok(Self { finding: regex, warnings: None })
    }

    /// Adds a regular expression for the messages that are only warnings.
    ///
    /// The error continues a sentence that starts with the expression's place.
    pub(super) fn with_warnings(self, text: &str) -> Result<Self, String> {
        let warnings = Regex::new(text).map_err(|error| problem(&error))?;
        Ok(Self { warnings: Some(warnings), ..self })
    }

    /// Returns the diagnostics in `output`, in its order.
    pub(crate) fn find(&self, output: &str) -> impl Iterator<Item = Diagnostic> {
        self.finding.captures_iter(output).map(|groups| {
            let mut found = diagnostic(&groups);
            if self.warnings.as_ref().is_some_and(|warnings| warnings.is_match(&found.message)) {
                found.severity = Severity::Warning;
            }
            found
        })
    }
}

fn diagnostic(groups: &Captures<'_>) -> Diagnostic {
    let text = |name| groups.name(name).map(|group| group.as_str());
    let number = |name| text(name).and_then(|digits| digits.parse().ok());
    let caret = || text("caret").and_then(|blanks| u32::try_from(blanks.chars().count() + 1).ok());
    Diagnostic {
        file: text("file").map(program_name),
        line: number("line"),
        column: number("column").or_else(caret),
        severity: text("severity").map(severity).unwrap_or_default(),
        message: text("message").unwrap_or_default().trim().to_owned(),
    }
}

/// Returns the name of a file in the program. Some checkers print a path instead.
fn program_name(path: &str) -> String {
    let path = path.strip_prefix("/box/").unwrap_or(path);
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

fn severity(word: &str) -> Severity {
    let word = word.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&["warn", "deprecated", "notice"]) {
        Severity::Warning
    } else if has(&["note", "info", "help", "hint"]) {
        Severity::Note
    } else {
        Severity::Error
    }
}

/// Says what is wrong with a regular expression. The text continues a sentence that starts with its place.
pub(super) fn problem(error: &regex::Error) -> String {
    // The last line names the problem. The lines before it point at the place, which needs a fixed-width font.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("is no regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, output: &str) -> Vec<Diagnostic> {
        DiagnosticPattern::parse(pattern).unwrap().find(output).collect()
    }

    #[test]
    fn groups_become_fields() {
        let pattern = r"^(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?P<severity>[\w ]+): (?P<message>.*)$";
        let output = "In file included from x\n./main.c:3:5: fatal error: no x.h \n/box/lib/a.c:1:2: warning: unused\n";
        let found = find(pattern, output);
        let of = |file: &str, line, column, severity, message: &str| Diagnostic {
            file: Some(file.to_owned()),
            line: Some(line),
            column: Some(column),
            severity,
            message: message.to_owned(),
        };
        assert_eq!(
            found,
            [of("main.c", 3, 5, Severity::Error, "no x.h"), of("lib/a.c", 1, 2, Severity::Warning, "unused"),]
        );
    }

    #[test]
    fn a_caret_tells_the_column_by_where_it_stands() {
        let found = find(r"^(?P<message>.+)\n.*\n(?P<caret> *)\^", "bad\nždz = \n     ^\n");
        assert_eq!((found[0].column, found[0].line, found[0].severity), (Some(6), None, Severity::Error));
    }

    #[test]
    fn a_recipe_can_name_messages_that_are_warnings() {
        let pattern = DiagnosticPattern::parse(r"^(?P<severity>\w+): (?P<message>.*)$").unwrap();
        let pattern = pattern.with_warnings("^unused|never read$").unwrap();
        let found: Vec<_> = pattern.find("error: unused x\nerror: not unused\nnote: never read\n").collect();
        let severities: Vec<_> = found.iter().map(|diagnostic| diagnostic.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error, Severity::Warning]);
        let refused = DiagnosticPattern::parse("(?P<message>x)").unwrap().with_warnings("(");
        assert_eq!(refused.unwrap_err(), "is no regular expression: unclosed group");
    }

    #[test]
    fn words_for_severities_are_those_of_many_checkers() {
        let of = |word| find("(?P<severity>[^:]+): (?P<message>.+)", &format!("{word}: x"))[0].severity;
        assert_eq!(["Warning", "Deprecated", "Notice"].map(of), [Severity::Warning; 3]);
        assert_eq!(["note", "help", "Info", "hint"].map(of), [Severity::Note; 4]);
        assert_eq!(["error", "Fatal error", "E"].map(of), [Severity::Error; 3]);
    }

    #[test]
    fn numbers_that_are_none_are_left_out() {
        let found = find(r"(?P<line>\d+): (?P<message>.*)", "99999999999: far");
        assert_eq!((found[0].line, found[0].message.as_str()), (None, "far"));
    }

    #[test]
    fn patterns_without_use_are_refused() {
        let refusal = |pattern| DiagnosticPattern::parse(pattern).unwrap_err();
        assert_eq!(refusal("("), "is no regular expression: unclosed group");
        assert_eq!(refusal("(?P<line>x)"), "must have a group (?P<message>..)");
        assert!(refusal("(?P<col>x)(?P<message>y)").starts_with("has the unknown group \"col\"; there are file"));
    }
}
