//! The program of a request, and how it is run: the body of session runs, one-shot executions and batch items.

use std::borrow::Cow;

use runbay_engine::RunRequest;
use runbay_engine::Work;
use runbay_model::Interaction;
use runbay_model::LimitOverrides;
use runbay_model::LimitRanges;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::Schema;

use super::Arguments;
use super::ChosenLimits;
use super::ChosenPriority;
use super::CodeFields;
use super::FileBody;
use super::Files;
use super::TestCaseBody;
use super::TestCases;
use super::Variables;
use super::input::check_stdin;
use crate::problem::Code;
use crate::problem::Problem;
use crate::schema;

/// A program and how it is run, as it was sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    #[schema(pattern = "^[a-z][a-z0-9+_#.-]{0,31}$")]
    language: Option<String>,
    #[serde(alias = "code")]
    #[schema(max_length = 65_536)]
    source_code: Option<String>,
    #[schema(value_type = Option<Vec<FileBody>>, min_items = 1, max_items = 64)]
    files: Option<Files>,
    /// What the program reads before it sees the end of its standard input, at most 1 MiB in UTF-8.
    #[schema(max_length = 1_048_576)]
    stdin: Option<String>,
    #[schema(schema_with = schema::arguments)]
    args: Option<Arguments>,
    #[schema(schema_with = schema::environment)]
    env: Option<Variables>,
    #[schema(value_type = Option<schema::ChosenLimits>)]
    limits: Option<ChosenLimits>,
    /// Inputs with the output that is expected, in place of one run with `stdin` and `args`; up to 100 with at most
    /// 2 MiB together.
    #[schema(value_type = Option<Vec<TestCaseBody>>, min_items = 1, max_items = 100)]
    tests: Option<TestCases>,
    #[schema(value_type = Option<schema::Priority>)]
    priority: Option<ChosenPriority>,
    /// Whether a person takes part: the program can be sent input while it runs, over a WebSocket, and has the limits
    /// `interactive_time_ms` and `idle_time_ms` in place of `wall_time_ms`.
    #[schema(default = false)]
    interactive: Option<bool>,
    /// Whether the language's own prompt is run with the code loaded. Implies `interactive`.
    #[schema(default = false)]
    repl: Option<bool>,
    /// Whether the program has a terminal for its input and output. Implies `interactive`.
    #[schema(default = false)]
    tty: Option<bool>,
    /// Whether the tests after one that did not pass are skipped.
    #[schema(default = false)]
    stop_on_failure: Option<bool>,
}

/// The body of a session's run: its code is saved before the run.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct RunSession(pub(crate) Program);

/// The body of a one-shot execution: it brings its code along.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct CreateExecution(pub(crate) Program);

impl Program {
    /// Checks all members, and limits against `ranges`.
    ///
    /// # Errors
    ///
    /// A problem that names the field.
    pub(crate) async fn read(self, ranges: &LimitRanges) -> Result<RunRequest, Problem> {
        let code = CodeFields { source_code: self.source_code, files: self.files }.change()?;
        let stdin = self.stdin.unwrap_or_default();
        let args = self.args.unwrap_or_default().read()?;
        let stop_on_failure = self.stop_on_failure.unwrap_or_default();
        check_stdin(&stdin)?;
        match &self.tests {
            Some(_) if !stdin.is_empty() => return Err(misplaced("stdin", WITH_TESTS)),
            Some(_) if !args.is_empty() => return Err(misplaced("args", WITH_TESTS)),
            None if stop_on_failure => return Err(misplaced("stop_on_failure", "is of use with tests only")),
            Some(_) | None => {}
        }
        let (is_repl, has_terminal) = (self.repl.unwrap_or_default(), self.tty.unwrap_or_default());
        let is_interactive = match self.interactive {
            Some(false) if is_repl || has_terminal => {
                return Err(misplaced("interactive", "must not be false beside repl or tty"));
            }
            interactive => interactive.unwrap_or_default() || is_repl || has_terminal,
        };
        if is_interactive && self.tests.is_some() {
            return Err(misplaced("tests", "must not be there beside interactive, repl or tty"));
        }
        let interaction = is_interactive.then_some(Interaction { is_repl, has_terminal });
        let environment = self.env.unwrap_or_default().read()?;
        let limits = self.limits.unwrap_or_default().read(ranges)?;
        check_times(&limits, is_interactive)?;
        let tests = match self.tests {
            Some(tests) => Some(tests.read(stop_on_failure).await?),
            None => None,
        };
        let priority = self.priority.unwrap_or_default().0;
        let work = Work { stdin: stdin.into_bytes(), args, environment, limits, tests, priority, interaction };
        Ok(RunRequest { language: self.language, code, work, idempotency_key: None, client: None })
    }
}

impl CreateExecution {
    /// Checks all members as [`Program::read`] does. The code must be among them: an answer about other code than the
    /// client meant would look like success.
    ///
    /// # Errors
    ///
    /// A problem that names the field.
    pub(crate) async fn read(self, ranges: &LimitRanges) -> Result<RunRequest, Problem> {
        let request = self.0.read(ranges).await?;
        match request.code {
            Some(_) => Ok(request),
            None => Err(misplaced("source_code", "is missing; send the program as source_code or as files")),
        }
    }
}

const WITH_TESTS: &str = "must not be there beside tests, each of which has its own";

/// Refuses time limits of the other kind of run, which would be ignored.
fn check_times(limits: &LimitOverrides, is_interactive: bool) -> Result<(), Problem> {
    if is_interactive && limits.wall_time_ms.is_some() {
        let complaint = "must not be there beside interactive, repl or tty; use interactive_time_ms";
        return Err(misplaced("limits.wall_time_ms", complaint));
    }
    let interactive_only =
        [("limits.interactive_time_ms", limits.interactive_time_ms), ("limits.idle_time_ms", limits.idle_time_ms)];
    match interactive_only.into_iter().find(|(_, value)| value.is_some() && !is_interactive) {
        Some((field, _)) => Err(misplaced(field, "is of use with interactive, repl or tty only")),
        None => Ok(()),
    }
}

fn misplaced(field: &str, complaint: &str) -> Problem {
    Problem::new(Code::InvalidBody).field(field, complaint)
}

impl ToSchema for RunSession {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RunSession")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Program::schemas(schemas);
    }
}

impl PartialSchema for RunSession {
    fn schema() -> RefOr<Schema> {
        let example = json!({
            "source_code": "print(input())\n",
            "stdin": "hello\n",
            "args": ["--fast"],
            "env": {"LANG": "C.UTF-8"},
            "limits": {"wall_time_ms": 2000},
        });
        let properties = [
            ("language", "The id or an alias of a language to save before the run."),
            (
                "source_code",
                "Code of the first file to save before the run, at most 64 KiB in UTF-8. Also accepted as `code`.",
            ),
            (
                "files",
                "In place of `source_code`, all files to save before the run, up to 64 with at most 1 MiB together \
                 beside the first.",
            ),
        ];
        described("What to run, and how.", properties, example)
    }
}

impl ToSchema for CreateExecution {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CreateExecution")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Program::schemas(schemas);
    }
}

impl PartialSchema for CreateExecution {
    fn schema() -> RefOr<Schema> {
        let example = json!({
            "language": "python",
            "files": [
                {"name": "main.py", "content": "from lib.double import double\nprint(double(int(input())))\n"},
                {"name": "lib/double.py", "content": "def double(number):\n    return 2 * number\n"},
            ],
            "limits": {"wall_time_ms": 2000},
            "tests": [
                {"name": "small", "stdin": "21\n", "expected_stdout": "42\n"},
                {"name": "any number", "stdin": "500\n", "expected_stdout": "[0-9]+", "match": "regex"},
            ],
        });
        let properties = [
            ("language", "The id or an alias of a language; without it python, else the first language offered."),
            ("source_code", "The program, at most 64 KiB in UTF-8. Also accepted as `code`."),
            (
                "files",
                "In place of `source_code`, the program as up to 64 files, at most 1 MiB together beside the first, which \
                 is run.",
            ),
        ];
        described("A program to run once, and how.", properties, example)
    }
}

/// Describes the members whose meaning depends on the request.
fn described(description: &str, properties: [(&str, &str); 3], example: Value) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = Program::schema() else {
        unreachable!("a struct with named members is an object");
    };
    object.description = Some(description.to_owned());
    object.example = Some(example);
    for (name, description) in properties {
        match object.properties.get_mut(name) {
            Some(RefOr::T(Schema::Object(member))) => member.description = Some(description.to_owned()),
            Some(RefOr::T(Schema::Array(member))) => member.description = Some(description.to_owned()),
            _ => unreachable!("{name} is a text or a list"),
        }
    }
    RefOr::T(Schema::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Value) -> Result<RunRequest, (Code, String)> {
        let program: Program = serde_json::from_value(body).unwrap();
        let refused = |problem: Problem| (problem.code(), problem.details()[0].clone());
        program.read(&LimitRanges::default()).await.map_err(refused)
    }

    #[tokio::test]
    async fn tests_bring_their_own_input() {
        let tests = json!([{"expected_stdout": ""}]);
        let empty = read(json!({"stdin": "", "args": [], "tests": tests, "stop_on_failure": true})).await.unwrap();
        assert!(empty.work.tests.unwrap().stop_on_failure);
        let complaint = "stdin: must not be there beside tests, each of which has its own";
        let stdin = read(json!({"stdin": "a", "tests": tests})).await;
        assert_eq!(stdin.unwrap_err(), (Code::InvalidBody, complaint.to_owned()));
        assert!(read(json!({"args": ["a"], "tests": tests})).await.unwrap_err().1.starts_with("args: "));
        assert!(read(json!({"stop_on_failure": true})).await.unwrap_err().1.starts_with("stop_on_failure: "));
    }

    #[tokio::test]
    async fn time_limits_of_the_other_kind_of_run_are_refused() {
        for (body, field) in [
            (json!({"tty": true, "limits": {"wall_time_ms": 2000}}), "limits.wall_time_ms: "),
            (json!({"limits": {"idle_time_ms": 2000}}), "limits.idle_time_ms: "),
            (json!({"interactive": false, "limits": {"interactive_time_ms": 2000}}), "limits.interactive_time_ms: "),
            (json!({"interactive": false, "repl": true}), "interactive: "),
        ] {
            let refused = read(body.clone()).await.unwrap_err();
            assert!(refused.1.starts_with(field), "{body}: {refused:?}");
        }
        let limits = json!({"idle_time_ms": 2000, "interactive_time_ms": 3000});
        assert!(read(json!({"repl": true, "limits": limits})).await.unwrap().work.interaction.unwrap().is_repl);
    }

    #[tokio::test]
    async fn a_program_of_its_own_brings_its_code() {
        let read = async |body: Value| {
            let program: CreateExecution = serde_json::from_value(body).unwrap();
            program.read(&LimitRanges::default()).await.map_err(|problem| problem.details()[0].clone())
        };
        for body in [json!({}), json!({"language": "python"}), json!({"source_code": null, "files": null})] {
            let complaint = "source_code: is missing; send the program as source_code or as files";
            assert_eq!(read(body.clone()).await, Err(complaint.to_owned()), "{body}");
        }
        for body in
            [json!({"source_code": ""}), json!({"code": "1"}), json!({"files": [{"name": "a.py", "content": ""}]})]
        {
            assert!(read(body.clone()).await.is_ok(), "{body}");
        }
    }

    #[tokio::test]
    async fn nothing_sent_is_nothing_asked_for() {
        assert_eq!(read(json!({"stop_on_failure": false})).await.unwrap(), RunRequest::default());
    }
}
