"""Events of an execution over SSE, across broken connections."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from typing import Generator
from typing import Optional

from .connections import path_part
from .errors import ConnectionFailedError
from .errors import RunbayError
from .events import ExecutionEvent
from .events import event_of
from .reconnection import Reconnection
from .retry import Resending
from .retry import may_pass
from .sse import Message
from .sse import MessageParser
from .transport import Call
from .transport import Transport
from .types import OutputEncoding

# The server writes a comment every 15 seconds, so a connection that is silent for so long is dead.
_SILENCE_SECONDS = 45.0


def stream_events(
    transport: Transport, execution_id: str, encoding: Optional[OutputEncoding], reconnection: Reconnection
) -> Generator[ExecutionEvent, None, None]:
    """Tells what happens to an execution, and connects again by itself, until its result."""
    path = f"/executions/{path_part(execution_id)}/events"
    while True:
        failure: Exception = ConnectionFailedError("the stream ended before the result")
        try:
            with closing(_messages(transport, path, encoding, reconnection.last_event_id)) as messages:
                for message in messages:
                    if message.type == "too_slow":
                        failure = ConnectionFailedError("the server found this client too slow")
                        break
                    event_id = int(message.last_event_id or 0)
                    reconnection.received(event_id)
                    event = event_of(message.type, event_id, json.loads(message.data))
                    if event is not None:
                        yield event
                    if message.type == "result":
                        return
        except RunbayError as error:
            if not may_pass(error):
                raise
            failure = error
        reconnection.pause(failure, threading.Event())


def _messages(
    transport: Transport, path: str, encoding: Optional[OutputEncoding], last_event_id: Optional[int]
) -> Generator[Message, None, None]:
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    call = Call("GET", path, Resending.HARMLESS, query={"encoding": encoding}, headers=headers)
    answer = transport.open(call)
    try:
        kind = answer.response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise RunbayError(f"the answer is no stream of events but {kind}")
        parser = MessageParser()
        for piece in iter(lambda: answer.read(_SILENCE_SECONDS), b""):
            yield from parser.feed(piece)
    finally:
        answer.close()
