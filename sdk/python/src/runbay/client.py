"""The client: one method for each thing that a server does."""

from __future__ import annotations

import ssl
import time
import uuid
from typing import TYPE_CHECKING
from typing import Any
from typing import Dict
from typing import Iterator
from typing import List
from typing import Optional
from typing import Sequence
from typing import Union
from typing import cast

from .connections import path_part
from .errors import ConnectionFailedError
from .errors import WaitTimeoutError
from .events import ExecutionEvent
from .interaction import Interaction
from .reconnection import MAX_FAILURES
from .reconnection import Reconnection
from .retry import Resending
from .stream import stream_events
from .transport import Call
from .transport import Transport
from .transport import error_of
from .types import AcceptedExecution
from .types import CheckReport
from .types import CheckSession
from .types import ClosedSession
from .types import CreateExecution
from .types import CreateSession
from .types import EndedExecution
from .types import Execution
from .types import ExecutionPage
from .types import Include
from .types import Languages
from .types import OutputEncoding
from .types import Problem
from .types import RunSession
from .types import SavedSession
from .types import SaveSession
from .types import Session
from .types import SessionPage
from .types import has_ended
from .websocket import HandshakeRefused
from .websocket import WebSocket

if TYPE_CHECKING:
    from typing_extensions import Unpack

# The longest time that one request waits; proxies cut connections that are silent for a minute.
_LONGEST_POLL_SECONDS = 20.0


class Runbay:
    """A client of one server; several threads may use it."""

    def __init__(
        self,
        base_url: str = "http://localhost:8080",
        *,
        api_key: Optional[str] = None,
        timeout_seconds: float = 30.0,
        retries: int = 4,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        """Opens no connection yet.

        The key is sent as `Authorization: Bearer`. The answer to a request may take `timeout_seconds`; waiting is on
        top. A request is sent again so often after a failure that may pass.
        """
        self._transport = Transport(base_url, api_key, timeout_seconds, retries, ssl_context)

    def __enter__(self) -> Runbay:
        """Closes idle connections at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes idle connections."""
        self.close()

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def languages(self) -> Languages:
        """Tells what can be run."""
        return cast(Languages, self._read("/languages"))

    def create_session(
        self, *, idempotency_key: Optional[str] = None, **session: Unpack[CreateSession]
    ) -> Session:
        """Opens a session with `language`, `source_code` or `files`."""
        return cast(Session, self._create("/code-sessions", session, idempotency_key))

    def read_session(self, session_id: str) -> Session:
        """Reads a session with its code."""
        return cast(Session, self._read(_session_path(session_id)))

    def list_sessions(self, *, limit: Optional[int] = None, cursor: Optional[str] = None) -> SessionPage:
        """Lists sessions; only for programs on the server's own machine."""
        return cast(SessionPage, self._read("/code-sessions", {"limit": limit, "cursor": cursor}))

    def save_session(self, session_id: str, **save: Unpack[SaveSession]) -> SavedSession:
        """Saves; with a `version` that is not the present one it raises VersionConflictError."""
        call = Call("PATCH", _session_path(session_id), Resending.REPEATS, body=save)
        return cast(SavedSession, self._transport.request(call))

    def close_session(self, session_id: str, *, erase: Optional[bool] = None) -> ClosedSession:
        """Closes a session; what runs is cancelled. With `erase` nothing of it is left."""
        return cast(ClosedSession, self._delete(_session_path(session_id), {"erase": erase}))

    def check(self, session_id: str, **check: Unpack[CheckSession]) -> CheckReport:
        """Checks code without running or saving it: that of the session, or what is given in its place."""
        call = Call("POST", f"{_session_path(session_id)}/check", Resending.HARMLESS, body=check)
        return cast(CheckReport, self._transport.request(call))

    def run(
        self, session_id: str, *, idempotency_key: Optional[str] = None, **run: Unpack[RunSession]
    ) -> AcceptedExecution:
        """Runs a session; while another execution of it has not ended it raises ActiveExecutionError.

        The same run under the same key takes effect once, within 24 hours; a new key is made without it.
        """
        return cast(AcceptedExecution, self._create(f"{_session_path(session_id)}/run", run, idempotency_key))

    def create_execution(
        self, *, idempotency_key: Optional[str] = None, **execution: Unpack[CreateExecution]
    ) -> AcceptedExecution:
        """Runs a program without a session; the key is as for `run`."""
        return cast(AcceptedExecution, self._create("/executions", execution, idempotency_key))

    def create_executions(self, executions: Sequence[CreateExecution]) -> List[Union[AcceptedExecution, Problem]]:
        """Runs up to 100 programs; a problem stands in place of each that is refused."""
        body = {"executions": list(executions)}
        answer = self._transport.request(Call("POST", "/executions/batch", Resending.REPEATS, body=body))
        return cast(List[Union[AcceptedExecution, Problem]], answer["executions"])

    def read_execution(
        self, execution_id: str, *, encoding: Optional[OutputEncoding] = None, include: Optional[Include] = None
    ) -> Execution:
        """Reads an execution as it is now."""
        query: Dict[str, object] = {"encoding": encoding, "include": include}
        return cast(Execution, self._read(_execution_path(execution_id), query))

    def read_executions(
        self,
        execution_ids: Sequence[str],
        *,
        encoding: Optional[OutputEncoding] = None,
        include: Optional[Include] = None,
    ) -> List[Union[Execution, Problem]]:
        """Reads up to 100 executions in this order; a problem stands in place of each that is not there."""
        query: Dict[str, object] = {"ids": ",".join(execution_ids), "encoding": encoding, "include": include}
        return cast(List[Union[Execution, Problem]], self._read("/executions", query)["executions"])

    def list_executions(
        self, session_id: str, *, limit: Optional[int] = None, cursor: Optional[str] = None
    ) -> ExecutionPage:
        """Lists the executions of a session."""
        query: Dict[str, object] = {"limit": limit, "cursor": cursor}
        return cast(ExecutionPage, self._read(f"{_session_path(session_id)}/executions", query))

    def wait(
        self,
        execution_id: str,
        *,
        timeout_seconds: float = 60.0,
        encoding: Optional[OutputEncoding] = None,
        include: Optional[Include] = None,
    ) -> EndedExecution:
        """Waits for the end of an execution; when it takes longer it raises WaitTimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            asked = time.monotonic()
            wait_seconds = min(max(deadline - asked, 0.0), _LONGEST_POLL_SECONDS)
            query: Dict[str, object] = {
                "wait_ms": int(wait_seconds * 1_000),
                "encoding": encoding,
                "include": include,
            }
            call = Call(
                "GET",
                _execution_path(execution_id),
                Resending.HARMLESS,
                query=query,
                wait_seconds=wait_seconds,
                deadline=deadline,
            )
            execution = cast(Execution, self._transport.request(call))
            if has_ended(execution):
                return execution
            now = time.monotonic()
            if now >= deadline:
                raise WaitTimeoutError(execution)
            # A server that is about to stop does not wait; it is not asked without a pause.
            if now - asked < wait_seconds / 2:
                time.sleep(min(0.25, deadline - now))

    def stream(
        self,
        execution_id: str,
        *,
        encoding: Optional[OutputEncoding] = None,
        last_event_id: Optional[int] = None,
        max_failures: int = MAX_FAILURES,
    ) -> Iterator[ExecutionEvent]:
        """Tells what happens to an execution, from its beginning to its result, also after its end.

        With `last_event_id` it tells what came after that event. It gives up after so many failures in a row
        without a new event.
        """
        return stream_events(self._transport, execution_id, encoding, Reconnection(last_event_id, max_failures))

    def interact(
        self,
        execution_id: str,
        *,
        encoding: Optional[OutputEncoding] = None,
        last_event_id: Optional[int] = None,
        max_failures: int = MAX_FAILURES,
    ) -> Interaction:
        """Talks with a program that was run with `interactive`, `repl` or `tty`."""
        path = _execution_path(execution_id)
        return Interaction(
            lambda newest: self._open_websocket(f"{path}/ws", {"encoding": encoding, "last_event_id": newest}),
            lambda: self._read(path),
            Reconnection(last_event_id, max_failures),
        )

    def cancel(self, execution_id: str, *, signal: Optional[str] = None) -> AcceptedExecution:
        """Cancels an execution, or sends its program a signal such as SIGINT."""
        return cast(AcceptedExecution, self._delete(_execution_path(execution_id), {"signal": signal}))

    def erase_execution(self, execution_id: str) -> None:
        """Removes an execution and its output, whether it has ended or not."""
        self._delete(_execution_path(execution_id), {"erase": True})

    def _read(self, path: str, query: Optional[Dict[str, object]] = None) -> Any:
        return self._transport.request(Call("GET", path, Resending.HARMLESS, query=query))

    def _create(self, path: str, body: object, idempotency_key: Optional[str]) -> Any:
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return self._transport.request(Call("POST", path, Resending.HARMLESS, headers=headers, body=body))

    def _delete(self, path: str, query: Dict[str, object]) -> Any:
        return self._transport.request(Call("DELETE", path, Resending.REPEATS, query=query))

    def _open_websocket(self, path: str, query: Dict[str, object]) -> WebSocket:
        transport = self._transport
        address = transport.address
        ssl_context = (transport.ssl_context or ssl.create_default_context()) if address.secure else None
        try:
            return WebSocket(
                address.host,
                address.port,
                address.authority,
                address.target(path, query),
                transport.credentials(),
                transport.timeout_seconds,
                ssl_context,
            )
        except HandshakeRefused as refused:
            raise error_of(refused.status, refused.reason, refused.headers, refused.body) from refused
        except OSError as error:
            raise ConnectionFailedError(f"the WebSocket cannot be opened: {error}") from error


def _session_path(session_id: str) -> str:
    return f"/code-sessions/{path_part(session_id)}"


def _execution_path(execution_id: str) -> str:
    return f"/executions/{path_part(execution_id)}"
