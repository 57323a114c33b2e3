"""What requests and answers hold. Members are named as on the wire, and described in `/openapi.json` of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import Dict
from typing import List
from typing import Literal
from typing import Mapping
from typing import Optional
from typing import TypedDict
from typing import Union

if TYPE_CHECKING:
    # Type checkers know it without having it installed, and nothing else reads annotations here.
    from typing_extensions import TypeGuard

EndStatus = Literal["COMPLETED", "FAILED", "TIMEOUT", "CANCELLED"]
PendingStatus = Literal["QUEUED", "RUNNING"]
ExecutionStatus = Literal["QUEUED", "RUNNING", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED"]
SessionStatus = Literal["ACTIVE", "INACTIVE"]
Priority = Literal["high", "normal", "low"]
OutputEncoding = Literal["text", "base64"]
Include = Literal["source", "log"]


class _NamedFile(TypedDict):
    name: str
    content: str


class File(_NamedFile, total=False):
    """A file of a program; without `encoding` its content is text."""

    encoding: Optional[Literal["utf8", "base64"]]


class ChosenLimits(TypedDict, total=False):
    """Limits that a run chooses; `languages` tells the ranges."""

    wall_time_ms: int
    cpu_time_ms: int
    memory_bytes: int
    stack_bytes: int
    stdout_bytes: int
    stderr_bytes: int
    processes: int
    open_files: int
    file_bytes: int
    disk_bytes: int
    inodes: int
    compile_time_ms: int
    compile_memory_bytes: int
    interactive_time_ms: int
    idle_time_ms: int


class _ExpectedOutput(TypedDict):
    expected_stdout: str


class TestCase(_ExpectedOutput, total=False):
    """What a program is to write for an input; without `match` it is compared as `trimmed`."""

    name: Optional[str]
    stdin: Optional[str]
    args: Optional[List[str]]
    match: Optional[Literal["trimmed", "exact", "tokens", "regex"]]


class Code(TypedDict, total=False):
    """A program: `source_code` or `files`."""

    language: Optional[str]
    source_code: Optional[str]
    files: Optional[List[File]]


class CreateSession(Code, total=False):
    """What a session begins with."""


class SaveSession(Code, total=False):
    """What is saved; refused if there is a `version` and the session has another one by now."""

    version: Optional[int]


class CheckSession(Code, total=False):
    """What is checked in place of the saved code."""


class RunSession(Code, total=False):
    """A run of a session; code in it is saved first."""

    stdin: Optional[str]
    args: Optional[List[str]]
    env: Optional[Dict[str, str]]
    limits: Optional[ChosenLimits]
    priority: Optional[Priority]
    tests: Optional[List[TestCase]]
    stop_on_failure: Optional[bool]
    # Whether standard input stays open for `interact`.
    interactive: Optional[bool]
    # Whether to run the language's interactive prompt.
    repl: Optional[bool]
    # Whether the program gets a terminal.
    tty: Optional[bool]


class CreateExecution(RunSession, total=False):
    """A run without a session; `source_code` or `files` must be there."""


class SessionSummary(TypedDict):
    """A session in a list."""

    session_id: str
    status: SessionStatus
    language: str
    version: int
    # The execution of it that has not ended.
    active_execution_id: Optional[str]
    created_at: str
    updated_at: str


class _SessionWithCode(SessionSummary):
    # The code of the first file.
    source_code: str


class Session(_SessionWithCode, total=False):
    """A session with its code; `files` is absent where the code was not sent as files."""

    files: List[File]


class SessionPage(TypedDict):
    """One page of sessions, newest first."""

    sessions: List[SessionSummary]
    next_cursor: Optional[str]


class SavedSession(TypedDict):
    """The answer to a save."""

    session_id: str
    status: SessionStatus
    version: int
    updated_at: str


class _Closed(TypedDict):
    session_id: str
    status: SessionStatus


class ClosedSession(_Closed, total=False):
    """The answer to closing a session."""

    erased: bool


class Diagnostic(TypedDict):
    """What a checker found."""

    file: Optional[str]
    line: Optional[int]
    column: Optional[int]
    # error, warning or note
    severity: str
    message: str


class CheckReport(TypedDict):
    """The answer to a check; `message` is there when the diagnostics do not say all."""

    diagnostics: List[Diagnostic]
    message: Optional[str]


class _Accepted(TypedDict):
    execution_id: str
    status: ExecutionStatus


class AcceptedExecution(_Accepted, total=False):
    """An execution that was accepted, and the version of the session whose code is run."""

    session_version: int


class TestResult(TypedDict):
    """What came of a test case."""

    index: int
    name: Optional[str]
    verdict: Literal["passed", "failed", "error", "skipped"]
    reason: Optional[str]
    message: Optional[str]
    exit_code: Optional[int]
    signal: Optional[str]
    stdout: str
    stderr: str
    stdout_truncated: bool
    stderr_truncated: bool
    execution_time_ms: Optional[int]
    cpu_time_ms: Optional[int]
    memory_bytes: Optional[int]


class LogEntry(TypedDict):
    """Output as the program wrote it, in the order of both streams."""

    stream: Literal["stdout", "stderr"]
    data: str


class _Execution(TypedDict):
    execution_id: str
    session_id: Optional[str]
    session_version: Optional[int]
    language: str
    attempt: int
    queue_time_ms: Optional[int]
    created_at: str
    queued_at: str
    started_at: Optional[str]
    completed_at: Optional[str]


class _Included(TypedDict, total=False):
    # With `include="source"`; `files` only where the code was sent as files.
    source_code: str
    files: List[File]
    # With `include="log"`.
    log: List[LogEntry]


class PendingExecution(_Execution, _Included):
    """An execution that has not ended."""

    status: PendingStatus


class EndedExecution(_Execution, _Included):
    """An execution that has ended, with what came of it."""

    status: EndStatus
    # Why it ended otherwise than well, such as runtime_error or wall_time_limit.
    reason: Optional[str]
    message: Optional[str]
    exit_code: Optional[int]
    signal: Optional[str]
    stdout: str
    stderr: str
    compile_output: Optional[str]
    tests: Optional[List[TestResult]]
    tests_passed: Optional[int]
    tests_total: Optional[int]
    stdout_truncated: bool
    stderr_truncated: bool
    execution_time_ms: Optional[int]
    cpu_time_ms: Optional[int]
    memory_bytes: Optional[int]
    compile_time_ms: Optional[int]


Execution = Union[PendingExecution, EndedExecution]


class _Listed(_Execution):
    status: ExecutionStatus


class ListedExecution(_Listed, total=False):
    """An execution in a list, without its output."""

    reason: Optional[str]
    message: Optional[str]
    exit_code: Optional[int]
    signal: Optional[str]
    tests_passed: Optional[int]
    tests_total: Optional[int]
    stdout_truncated: bool
    stderr_truncated: bool
    execution_time_ms: Optional[int]
    cpu_time_ms: Optional[int]
    memory_bytes: Optional[int]
    compile_time_ms: Optional[int]


class ExecutionPage(TypedDict):
    """One page of executions, newest first."""

    executions: List[ListedExecution]
    next_cursor: Optional[str]


class Language(TypedDict):
    """A language that the server offers."""

    id: str
    name: str
    aliases: List[str]
    version: str
    template: str
    entry: str
    compiled: bool
    check: bool
    repl: bool
    limits: Dict[str, int]


class LimitRange(TypedDict):
    """What a run may choose for a limit."""

    least: int
    most: int


class Languages(TypedDict):
    """What can be run."""

    languages: List[Language]
    limit_ranges: Dict[str, LimitRange]


class FieldError(TypedDict):
    """What is wrong with one field of a request."""

    field: str
    message: str


class _Problem(TypedDict):
    type: str
    title: str
    status: int
    # A stable word for programs.
    code: str
    # The same as the title.
    error: str
    details: List[str]
    errors: List[FieldError]
    request_id: str


class Problem(_Problem, total=False):
    """Why a request was refused (RFC 9457)."""

    detail: str
    # The execution that is in the way, with the code active_execution.
    execution_id: str


def has_ended(execution: Execution) -> TypeGuard[EndedExecution]:
    """Tells whether an execution has ended."""
    return execution["status"] not in ("QUEUED", "RUNNING")


def is_problem(item: Mapping[str, Any]) -> TypeGuard[Problem]:
    """Tells a problem from what may be in its place in a batch or list."""
    return "code" in item
