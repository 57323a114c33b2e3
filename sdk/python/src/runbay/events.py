"""What happens to an execution, as `stream` and `interact` tell it."""

from __future__ import annotations

import base64
from typing import Any
from typing import Dict
from typing import Literal
from typing import Optional
from typing import TypedDict
from typing import Union
from typing import cast

from .types import EndedExecution
from .types import ExecutionStatus
from .types import TestResult


class StatusEvent(TypedDict):
    """The execution entered a state."""

    type: Literal["status"]
    id: int
    status: ExecutionStatus
    attempt: int
    at: str


class _Output(TypedDict):
    type: Literal["stdout", "stderr"]
    id: int
    data: str


class OutputEvent(_Output, total=False):
    """The program wrote something; without `encoding` the data is text."""

    encoding: Literal["base64"]


class TestEvent(TestResult):
    """A test case has its verdict."""

    type: Literal["test"]
    id: int


class ResetEvent(TypedDict):
    """Everything written so far is void: drop it. What counts follows."""

    type: Literal["reset"]
    id: int
    attempt: int


class ResultEvent(TypedDict):
    """The execution has ended. Always the last event."""

    type: Literal["result"]
    id: int
    execution: EndedExecution


ExecutionEvent = Union[StatusEvent, OutputEvent, TestEvent, ResetEvent, ResultEvent]


class InputInDoubtEvent(TypedDict):
    """The connection was replaced. Input and signals sent last may not have arrived; they are not sent again."""

    type: Literal["input_in_doubt"]


# What comes from a program that somebody interacts with.
InteractionEvent = Union[ExecutionEvent, InputInDoubtEvent]


def output_bytes(event: OutputEvent) -> bytes:
    """Returns the bytes of an output event."""
    if event.get("encoding") == "base64":
        return base64.b64decode(event["data"])
    return event["data"].encode()


def event_of(kind: str, event_id: int, members: Dict[str, Any]) -> Optional[ExecutionEvent]:
    """Makes an event of its members on the wire; None for one that this version does not know."""
    if kind == "result":
        return {"type": "result", "id": event_id, "execution": cast(EndedExecution, members)}
    if kind in ("status", "stdout", "stderr", "test", "reset"):
        return cast(ExecutionEvent, {**members, "type": kind, "id": event_id})
    return None
