"""Connections to the server, kept between requests; safe for use by several threads."""

from __future__ import annotations

import http.client
import selectors
import socket
import ssl
import threading
import time
from typing import Dict
from typing import List
from typing import Optional
from typing import Tuple
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from .errors import ConnectionFailedError

# Connections that are idle for longer are not used again: the server may be about to close them.
_LONGEST_IDLE_SECONDS = 5.0

# Idle connections that are kept.
_MAX_IDLE = 8


class Address:
    """Where the server is."""

    def __init__(self, base_url: str) -> None:
        """Takes the server's URL, with a prefix if it is served under one."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must be an http or https URL, not {base_url!r}")
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.secure else 80)
        self.authority = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")

    def target(self, path: str, query: Optional[Dict[str, object]] = None) -> str:
        """Returns what stands in the first line of a request."""
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        return f"{self._prefix}{path}?{urlencode(given)}" if given else f"{self._prefix}{path}"


class Connections:
    """Opens connections, and keeps those that can be used again."""

    def __init__(self, address: Address, ssl_context: Optional[ssl.SSLContext]) -> None:
        """Opens nothing yet."""
        self._address = address
        self._ssl_context = ssl_context
        self._idle: List[Tuple[http.client.HTTPConnection, float]] = []
        self._lock = threading.Lock()

    def take(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """Returns an idle connection that still stands, or a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection, since = self._idle.pop()
            if time.monotonic() - since < _LONGEST_IDLE_SECONDS and not _has_input(connection.sock):
                connection.sock.settimeout(timeout_seconds)
                return connection
            connection.close()
        return self.open(timeout_seconds)

    def open(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """Opens a new connection."""
        address = self._address
        connection: http.client.HTTPConnection
        if address.secure:
            context = self._ssl_context or ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                address.host, address.port, timeout=timeout_seconds, context=context
            )
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            raise ConnectionFailedError(f"the server cannot be reached: {error}") from error
        return connection

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keeps a connection whose answer was read to its end."""
        if connection.sock is None:
            return
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()

    def close(self) -> None:
        """Closes all that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()


def path_part(text: str) -> str:
    """Returns a text as one part of a path."""
    return quote(text, safe="")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Nothing was asked, so what can be read is the end of the connection, or makes no sense.
def _has_input(sock: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))
