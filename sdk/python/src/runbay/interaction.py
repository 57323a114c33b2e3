"""A conversation with a running program over a WebSocket, across broken connections."""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from typing import Any
from typing import Callable
from typing import Dict
from typing import Iterator
from typing import List
from typing import Optional
from typing import Union

from .errors import ConnectionFailedError
from .errors import InteractionClosedError
from .errors import RunbayError
from .events import InteractionEvent
from .events import event_of
from .reconnection import Reconnection
from .retry import may_pass
from .websocket import WebSocket
from .websocket import WebSocketClosed

# The server bounds frames, so longer input is sent in several.
_INPUT_PIECE = 8_192

# Commands that may wait for a connection.
_MAX_WAITING = 1_024

# Events that may wait for the caller; then no more are read, and the server notices.
_MAX_ARRIVED = 4_096

# How long the server has for closing the connection after the result.
_GOOD_BYE_SECONDS = 2.0

_Command = Dict[str, Any]


class Interaction:
    """A running program's input and events. Iterate over it once for the events, `result` being the last.

    After a broken connection it goes on by itself. Events are never lost by that. Input that was on its way in that
    moment can be, which an event `input_in_doubt` says. Other threads may send while one iterates.
    """

    def __init__(
        self,
        open_websocket: Callable[[Optional[int]], WebSocket],
        verify: Callable[[], object],
        reconnection: Reconnection,
    ) -> None:
        """Use `interact` of the client."""
        self._open_websocket = open_websocket
        self._verify = verify
        self._reconnection = reconnection
        # None is the end.
        self._arrived: queue.Queue[Optional[InteractionEvent]] = queue.Queue(_MAX_ARRIVED)
        self._failure: Optional[Exception] = None
        self._is_over = False
        # The program has ended, or cannot be followed any more; the caller does not want to follow it any more.
        self._ended = threading.Event()
        self._left = threading.Event()
        self._socket: Optional[WebSocket] = None
        # Whoever sends has it, so that commands keep their order; and the connection that commands can go to.
        self._sending = threading.Condition()
        self._outlet: Optional[WebSocket] = None
        self._input_was_sent = False
        self._waiting: List[_Command] = []
        self._size: Optional[_Command] = None
        self._at_eof = False
        self._follower = threading.Thread(target=self._follow, name="runbay-interaction", daemon=True)
        self._follower.start()

    def input(self, data: Union[str, bytes]) -> bool:
        """Sends input, and waits while the program does not take it; False if the program has ended."""
        for start in range(0, len(data), _INPUT_PIECE):
            piece = data[start : start + _INPUT_PIECE]
            command: _Command = {"type": "stdin", "data": piece}
            if isinstance(piece, bytes):
                command = {"type": "stdin", "data": base64.b64encode(piece).decode(), "encoding": "base64"}
            if not self._send(command):
                return False
        return not self._ended.is_set()

    def eof(self) -> bool:
        """Ends the input; False if the program has ended."""
        self._at_eof = True
        return self._send({"type": "eof"})

    def signal(self, name: str) -> bool:
        """Sends a signal such as SIGINT; False if the program has ended."""
        return self._send({"type": "signal", "name": name})

    def resize(self, cols: int, rows: int) -> bool:
        """Tells the size of the terminal; False if the program has ended."""
        self._size = {"type": "resize", "cols": cols, "rows": rows}
        return self._send(self._size)

    def close(self) -> None:
        """Leaves the program alone; it goes on."""
        self._left.set()
        self._ended.set()
        socket = self._socket
        if socket is not None:
            socket.close()

    def __enter__(self) -> Interaction:
        """Closes it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def __iter__(self) -> Iterator[InteractionEvent]:
        """Returns itself."""
        return self

    def __next__(self) -> InteractionEvent:
        """Waits for the next event."""
        is_over = self._is_over or self._left.is_set()
        event = None if is_over else self._arrived.get()
        if event is not None:
            return event
        self._is_over = True
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise StopIteration

    def _send(self, command: _Command) -> bool:
        with self._sending:
            while len(self._waiting) >= _MAX_WAITING and not self._ended.is_set():
                self._sending.wait(1.0)
            return self._send_in_order(command)

    def _send_in_order(self, command: _Command) -> bool:
        if self._ended.is_set():
            return False
        if self._outlet is not None:
            try:
                self._outlet.send_text(json.dumps(command, ensure_ascii=False))
                # The others are told again after a break.
                self._input_was_sent |= command["type"] in ("stdin", "signal")
                return True
            except WebSocketClosed:
                # The follower notices, too, and connects again.
                pass
        self._waiting.append(command)
        return not self._ended.is_set()

    def _follow(self) -> None:
        try:
            while not self._ended.is_set():
                failure = self._follow_once()
                if not self._ended.is_set():
                    self._reconnection.pause(failure, self._ended)
        except Exception as error:
            self._failure = error
        self._ended.set()
        self._put(None)

    def _follow_once(self) -> Exception:
        """Follows one connection to its end and returns what ended it; raises if another would end like it."""
        try:
            socket = self._open_websocket(self._reconnection.last_event_id)
        except ConnectionFailedError as error:
            return error
        except RunbayError as error:
            if not may_pass(error):
                raise
            return error
        self._socket = socket
        # By itself, as sending waits for a program that does not read, and its output has to be taken meanwhile.
        threading.Thread(target=self._catch_up, args=(socket,), name="runbay-input", daemon=True).start()
        try:
            # Whoever closed it before had no connection to close.
            while not self._ended.is_set():
                self._received(socket.receive())
            # The server says good-bye after the result.
            while not self._left.is_set():
                socket.receive(time.monotonic() + _GOOD_BYE_SECONDS)
            return ConnectionFailedError("it was closed")
        except WebSocketClosed as closed:
            return self._after(InteractionClosedError(closed.code, closed.reason))
        finally:
            socket.close()
            socket.discard()

    def _after(self, closed: InteractionClosedError) -> Exception:
        if self._ended.is_set():
            return closed
        if closed.close_code in (4400, 1009):
            raise closed
        if closed.close_code in (4401, 4404):
            self._verify()
            raise closed
        return closed

    def _catch_up(self, socket: WebSocket) -> None:
        with self._sending:
            is_in_doubt, self._input_was_sent = self._input_was_sent, False
            self._outlet = socket
            waiting, self._waiting = self._waiting, []
            # Both may have been lost with the connection before, and telling them twice changes nothing.
            if self._size is not None and self._size not in waiting:
                self._send_in_order(self._size)
            for command in waiting:
                self._send_in_order(command)
            if self._at_eof and {"type": "eof"} not in waiting:
                self._send_in_order({"type": "eof"})
            self._sending.notify_all()
        # Not while others wait for sending, as they may be those who take events.
        if is_in_doubt:
            self._put({"type": "input_in_doubt"})

    def _received(self, frame: str) -> None:
        try:
            members = json.loads(frame)
            kind = members.pop("type")
            if kind == "too_slow":
                return
            event_id = int(members.pop("id"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunbayError("the server sent a frame that is no event") from error
        self._reconnection.received(event_id)
        event = event_of(kind, event_id, members)
        if event is None:
            return
        if kind == "result":
            # Before it is told, so that whoever reads it cannot send any more.
            self._ended.set()
        self._put(event)

    def _put(self, event: Optional[InteractionEvent]) -> None:
        while not self._left.is_set():
            try:
                return self._arrived.put(event, timeout=1.0)
            except queue.Full:
                pass
        # Wakes a thread that waits for the next event.
        if self._arrived.empty():
            self._arrived.put(None)
