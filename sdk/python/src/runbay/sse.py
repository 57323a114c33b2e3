"""Reads a stream of server-sent events (HTML standard, section 9.2.6), however it is cut into pieces."""

from __future__ import annotations

from typing import List
from typing import NamedTuple
from typing import Optional

# So many bytes may belong to one message; results with all output escaped stay below.
LONGEST_MESSAGE = 256 * 1024 * 1024


class Message(NamedTuple):
    """One message of the stream."""

    type: str
    # The id of this message or, without one of its own, of the last one before it.
    last_event_id: Optional[str]
    data: str


class MessageParser:
    """Takes the stream piece by piece."""

    def __init__(self) -> None:
        """Begins before the first byte."""
        self._parts: List[bytes] = []
        self._length = 0
        self._after_carriage_return = False
        self._type = ""
        self._data: List[str] = []
        self._last_event_id: Optional[str] = None

    def feed(self, piece: bytes) -> List[Message]:
        """Takes the next piece and returns the messages that it completes."""
        # The line feed of a pair that was cut in two.
        if self._after_carriage_return and piece:
            piece = piece[1:] if piece.startswith(b"\n") else piece
            self._after_carriage_return = False
        messages: List[Message] = []
        # bytes.splitlines ends lines at \n, \r and \r\n, and nowhere else.
        for line in piece.splitlines(keepends=True):
            self._keep(line)
            if line.endswith((b"\n", b"\r")):
                whole = b"".join(self._parts).rstrip(b"\r\n")
                self._parts.clear()
                self._end_line(whole, messages)
        self._after_carriage_return = piece.endswith(b"\r") or (not piece and self._after_carriage_return)
        return messages

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._length += len(part)
        if self._length > LONGEST_MESSAGE:
            raise ValueError("an event is too long")

    def _end_line(self, line: bytes, messages: List[Message]) -> None:
        if not line:
            self._end_message(messages)
            return
        field, _, value = line.decode(errors="replace").partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            self._type = value
        elif field == "id" and "\0" not in value:
            self._last_event_id = value
        elif field == "data":
            self._data.append(value)

    def _end_message(self, messages: List[Message]) -> None:
        if self._data:
            messages.append(Message(self._type or "message", self._last_event_id, "\n".join(self._data)))
        self._type = ""
        self._data = []
        self._length = 0
