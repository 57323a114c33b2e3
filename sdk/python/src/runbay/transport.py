"""Requests and their answers, with time limits and retries."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from typing import Any
from typing import Dict
from typing import List
from typing import NamedTuple
from typing import Optional
from typing import cast

from .connections import Address
from .connections import Connections
from .errors import ApiError
from .errors import ConnectionFailedError
from .errors import RunbayError
from .errors import api_error
from .retry import Resending
from .retry import parse_retry_after
from .retry import retry_delay_seconds
from .types import Problem

# What time a request has beyond the end of its caller's wait, for the way there and back.
_GRACE_SECONDS = 2.0

_PIECE = 64 * 1024


class Call(NamedTuple):
    """A request."""

    method: str
    path: str
    resending: Resending
    query: Optional[Dict[str, object]] = None
    headers: Optional[Dict[str, str]] = None
    body: Optional[object] = None
    # How long the server may keep the answer back, on top of the time limit of requests.
    wait_seconds: float = 0.0
    # The moment (time.monotonic) after which it is not sent again.
    deadline: Optional[float] = None


class Transport:
    """Sends requests to one server."""

    def __init__(
        self,
        base_url: str,
        api_key: Optional[str],
        timeout_seconds: float,
        retries: int,
        ssl_context: Optional[ssl.SSLContext],
    ) -> None:
        """Opens no connection yet."""
        self.address = Address(base_url)
        self.ssl_context = ssl_context
        self.timeout_seconds = timeout_seconds
        self._api_key = api_key
        self._retries = retries
        self._connections = Connections(self.address, ssl_context)

    def close(self) -> None:
        """Closes idle connections."""
        self._connections.close()

    def credentials(self) -> Dict[str, str]:
        """Returns the headers that say who asks."""
        return {} if self._api_key is None else {"Authorization": f"Bearer {self._api_key}"}

    def request(self, call: Call) -> Any:
        """Sends a request, again where that is right, and returns the JSON of the answer."""
        failures = 0
        while True:
            try:
                return self._attempt(call)
            except (ApiError, ConnectionFailedError) as error:
                delay = retry_delay_seconds(error, call.resending, failures) if failures < self._retries else None
                is_late = delay is not None and call.deadline is not None and time.monotonic() + delay > call.deadline
                if delay is None or is_late:
                    raise
            failures += 1
            time.sleep(delay)

    def open(self, call: Call) -> Answer:
        """Sends a request once, on a connection of its own, and returns the answer when its head is there."""
        answer = self._send(self._connections.open(self.timeout_seconds), call)
        if answer.response.status < 300:
            return answer
        try:
            raise answer.error(answer.read_all(time.monotonic() + self.timeout_seconds))
        finally:
            answer.close()

    def _attempt(self, call: Call) -> Any:
        limit = self._time_limit_seconds(call)
        end = time.monotonic() + limit
        answer = self._send(self._connections.take(limit), call)
        try:
            body = answer.read_all(end)
        except BaseException:
            answer.close()
            raise
        self._connections.give_back(answer.connection)
        if answer.response.status >= 300:
            raise answer.error(body)
        if not body:
            return None
        try:
            return json.loads(body)
        except ValueError as error:
            raise RunbayError("the answer is not JSON") from error

    def _send(self, connection: http.client.HTTPConnection, call: Call) -> Answer:
        headers = {"Accept": "application/json", **self.credentials(), **(call.headers or {})}
        body: Optional[bytes] = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(call.body).encode()
        try:
            connection.request(call.method, self.address.target(call.path, call.query), body, headers)
            return Answer(connection)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _broken("before the answer", error) from error
        except BaseException:
            connection.close()
            raise

    def _time_limit_seconds(self, call: Call) -> float:
        limit = self.timeout_seconds + call.wait_seconds
        if call.deadline is None:
            return limit
        return min(limit, max(call.deadline - time.monotonic(), 0.0) + _GRACE_SECONDS)


class Answer:
    """An answer that still arrives."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        """Waits for the head of the answer."""
        self.connection = connection
        # The connection forgets it when the server closes it after this answer.
        self._sock = connection.sock
        self.response = connection.getresponse()

    def read(self, timeout_seconds: float) -> bytes:
        """Returns what arrives next; nothing at the end."""
        try:
            self._sock.settimeout(timeout_seconds)
            piece = self.response.read1(_PIECE)
        except (OSError, http.client.HTTPException) as error:
            raise _broken("during the answer", error) from error
        # An answer that is too short is no complaint of read1.
        if not piece and self.response.length:
            raise ConnectionFailedError("the connection broke during the answer")
        return piece

    def read_all(self, end: float) -> bytes:
        """Returns the rest, if it arrives before a moment of time.monotonic."""
        pieces: List[bytes] = []
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise ConnectionFailedError("the answer was not complete in time")
            piece = self.read(left)
            if not piece:
                # The next request on this connection needs it to be closed, which is not the connection.
                self.response.close()
                return b"".join(pieces)
            pieces.append(piece)

    def error(self, body: bytes) -> ApiError:
        """Makes the error of an answer that is no success."""
        return error_of(self.response.status, self.response.reason, self.response.headers, body)

    def close(self) -> None:
        """Ends the connection."""
        self.response.close()
        self.connection.close()


def error_of(status: int, reason: str, headers: Any, body: bytes) -> ApiError:
    """Makes the error of an answer that is no success."""
    found = _problem_in(body)
    title = found.get("title") or reason or "The request failed"
    problem = {
        "type": "about:blank",
        "code": f"http_{status}",
        "error": title,
        "details": [],
        "errors": [],
        "request_id": headers.get("x-request-id", ""),
        **found,
        "title": title,
        "status": status,
    }
    return api_error(cast(Problem, problem), parse_retry_after(headers.get("retry-after")))


# What else there may be is not from the server itself, such as a proxy's page.
def _problem_in(body: bytes) -> Dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "code" in found and "title" in found else {}


def _broken(when: str, error: Exception) -> ConnectionFailedError:
    # It is no TimeoutError before Python 3.10.
    if isinstance(error, socket.timeout):
        return ConnectionFailedError(f"nothing arrived in time {when}")
    return ConnectionFailedError(f"the connection broke {when}: {error}")
