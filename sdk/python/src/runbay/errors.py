"""What can go wrong. Whatever this package raises by itself is a RunbayError."""

from __future__ import annotations

from typing import List
from typing import Optional

from .types import Execution
from .types import FieldError
from .types import Problem


class RunbayError(Exception):
    """Any error of this package."""


class ApiError(RunbayError):
    """The server refused a request and said why."""

    def __init__(self, problem: Problem, retry_after_seconds: Optional[float] = None) -> None:
        """Takes the whole problem document, and how long to wait where the server says so."""
        told = "; ".join(problem["details"]) or problem.get("detail")
        summary = f"{problem['title']} ({problem['status']} {problem['code']})"
        super().__init__(f"{summary}: {told}" if told else summary)
        self.problem = problem
        self.retry_after_seconds = retry_after_seconds
        self.status: int = problem["status"]
        # A stable word such as invalid_body; http_502 and the like for answers that are no problem document.
        self.code: str = problem["code"]
        self.title: str = problem["title"]
        self.detail: Optional[str] = problem.get("detail")
        # What is wrong, field by field, for people, and the same for programs.
        self.details: List[str] = problem["details"]
        self.errors: List[FieldError] = problem["errors"]
        self.request_id: Optional[str] = problem["request_id"] or None


class VersionConflictError(ApiError):
    """The session was saved by somebody else since the version that the save named."""


class ActiveExecutionError(ApiError):
    """The session has an execution that has not ended."""

    @property
    def execution_id(self) -> Optional[str]:
        """The execution that is in the way."""
        return self.problem.get("execution_id")


class NotFoundError(ApiError):
    """There is no such session or execution, or it was erased."""


class ConnectionFailedError(RunbayError):
    """The server could not be reached, or the connection broke, as often as it was tried."""


class WaitTimeoutError(RunbayError):
    """An execution did not end in the time that was given. It goes on."""

    def __init__(self, execution: Execution) -> None:
        """Takes what the execution was like at the end of that time."""
        super().__init__(f"execution {execution['execution_id']} is still {execution['status']}")
        self.execution = execution


class InteractionClosedError(RunbayError):
    """The server closed a WebSocket for good."""

    def __init__(self, close_code: int, close_reason: str) -> None:
        """Takes what the server said."""
        told = f" {close_reason}" if close_reason else ""
        super().__init__(f"the server closed the WebSocket: {close_code}{told}")
        self.close_code = close_code
        self.close_reason = close_reason


def api_error(problem: Problem, retry_after_seconds: Optional[float] = None) -> ApiError:
    """Makes the error of a problem document."""
    kind = ApiError
    if problem["code"] == "version_conflict":
        kind = VersionConflictError
    elif problem["code"] == "active_execution":
        kind = ActiveExecutionError
    elif problem["status"] == 404:
        kind = NotFoundError
    return kind(problem, retry_after_seconds)
