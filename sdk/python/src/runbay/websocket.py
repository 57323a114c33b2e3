"""A client for WebSockets (RFC 6455), as far as text goes.

One thread may receive while others send.
"""

from __future__ import annotations

import base64
import hashlib
import os
import selectors
import socket
import ssl
import struct
import threading
import time
from typing import Dict
from typing import List
from typing import Optional
from typing import Tuple
from typing import Union

# So many bytes may belong to one message; results with all output escaped stay below.
LONGEST_MESSAGE = 256 * 1024 * 1024

NORMAL_CLOSURE = 1000
ABNORMAL_CLOSURE = 1006
_PROTOCOL_ERROR = 1002
_UNSUPPORTED_DATA = 1003
_INVALID_TEXT = 1007
_MESSAGE_TOO_BIG = 1009

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_LONGEST_CONTROL = 125
_LONGEST_HEAD = 64 * 1024
_PIECE = 64 * 1024
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeRefused(Exception):
    """The server answered the handshake with something else than a WebSocket."""

    def __init__(self, status: int, reason: str, headers: Dict[str, str], body: bytes) -> None:
        """Takes the server's answer, with names of headers in lower case."""
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body


class WebSocketClosed(Exception):
    """The connection has ended; without a frame that says so the code is 1006."""

    def __init__(self, code: int, reason: str = "") -> None:
        """Takes what the side said that closed it."""
        super().__init__(f"{code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class WebSocket:
    """One connection."""

    def __init__(
        self,
        host: str,
        port: int,
        authority: str,
        target: str,
        headers: Dict[str, str],
        timeout_seconds: float,
        ssl_context: Optional[ssl.SSLContext],
    ) -> None:
        """Connects, over TLS with a context for it.

        Raises OSError when that fails, and HandshakeRefused when the server does not want to.
        """
        self._stream = _ByteStream(host, port, timeout_seconds, ssl_context)
        self._send_lock = threading.Lock()
        self._close_was_sent = False
        try:
            self._shake_hands(authority, target, headers, time.monotonic() + timeout_seconds)
        except BaseException:
            self._stream.close()
            raise

    def send_text(self, text: str) -> None:
        """Sends a message; raises WebSocketClosed when it cannot have arrived as a whole."""
        try:
            self._send(_TEXT, text.encode())
        except OSError as error:
            raise WebSocketClosed(ABNORMAL_CLOSURE, str(error)) from error

    def receive(self, end: Optional[float] = None) -> str:
        """Waits for the next message; raises WebSocketClosed at the end, or at this moment of time.monotonic."""
        try:
            return self._receive_message(end)
        except _Violation as violation:
            self._send_close(violation.code)
            self._stream.close()
            raise WebSocketClosed(violation.code, str(violation)) from violation
        except OSError as error:
            self._stream.close()
            raise WebSocketClosed(ABNORMAL_CLOSURE, str(error)) from error

    def close(self, code: int = NORMAL_CLOSURE) -> None:
        """Ends the connection; a thread that receives meanwhile gets WebSocketClosed."""
        self._send_close(code)
        self._stream.shut_down()

    def discard(self) -> None:
        """Gives everything back; for the thread that receives, when it does not any more."""
        self._stream.close()

    def _shake_hands(self, authority: str, target: str, headers: Dict[str, str], end: float) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        given = {
            "Host": authority,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header must be one line")
        self._stream.send_all(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        head = self._stream.read_until(b"\r\n\r\n", _LONGEST_HEAD, end).decode("latin-1")
        first, *rest = head.rstrip("\r\n").split("\r\n")
        _, status, reason = (first.split(" ", 2) + ["", ""])[:3]
        answered = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        if status != "101":
            body = self._stream.read_body(answered.get("content-length", "0"), end)
            raise HandshakeRefused(int(status) if status.isdecimal() else 0, reason, answered, body)
        proof = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
        if answered.get("sec-websocket-accept") != proof or "sec-websocket-extensions" in answered:
            raise OSError("the answer to the WebSocket's handshake is not right")

    def _receive_message(self, end: Optional[float]) -> str:
        parts: List[bytes] = []
        length = 0
        is_text = False
        while True:
            opcode, is_last, payload = self._receive_frame(LONGEST_MESSAGE - length, end)
            if opcode == _PING:
                self._send_pong(payload)
                continue
            if opcode == _PONG:
                continue
            if opcode == _CLOSE:
                raise self._closed_by_server(payload)
            if opcode == _BINARY:
                raise _Violation(_UNSUPPORTED_DATA, "the server sent a binary message")
            if (opcode == _CONTINUATION) != is_text:
                raise _Violation(_PROTOCOL_ERROR, "the server sent a fragment that belongs to no message")
            is_text = True
            parts.append(payload)
            length += len(payload)
            if is_last:
                return _text(b"".join(parts))

    def _receive_frame(self, longest: int, end: Optional[float]) -> Tuple[int, bool, bytes]:
        first, second = self._stream.read(2, end)
        opcode, is_last, length = first & 0x0F, bool(first & 0x80), second & 0x7F
        if first & 0x70 or second & 0x80 or opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            raise _Violation(_PROTOCOL_ERROR, "the server sent a frame that is not valid")
        if opcode >= _CLOSE and (length > _LONGEST_CONTROL or not is_last):
            raise _Violation(_PROTOCOL_ERROR, "the server sent a control frame that is not valid")
        if length == 126:
            (length,) = struct.unpack("!H", self._stream.read(2, end))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._stream.read(8, end))
        if length > longest and opcode < _CLOSE:
            raise _Violation(_MESSAGE_TOO_BIG, "the server sent a message that is too big")
        return opcode, is_last, self._stream.read(length, end)

    def _closed_by_server(self, payload: bytes) -> Exception:
        if len(payload) == 1:
            return _Violation(_PROTOCOL_ERROR, "the server sent a close frame that is not valid")
        # 1005 stands for a close frame without a code, and is never sent.
        code = struct.unpack("!H", payload[:2])[0] if payload else 1005
        reason = _text(payload[2:])
        self._send_close(NORMAL_CLOSURE if code == 1005 else code)
        self._stream.close()
        return WebSocketClosed(code, reason)

    def _send_pong(self, payload: bytes) -> None:
        # A sender that the server keeps waiting has the lock; a pong would not be read either.
        if self._send_lock.acquire(timeout=1.0):
            try:
                self._stream.send_all(_frame(_PONG, payload))
            finally:
                self._send_lock.release()

    def _send_close(self, code: int) -> None:
        if not self._send_lock.acquire(timeout=1.0):
            return
        try:
            if not self._close_was_sent:
                self._close_was_sent = True
                self._stream.send_all(_frame(_CLOSE, struct.pack("!H", code)), time.monotonic() + 1.0)
        except OSError:
            # The connection has ended without it.
            pass
        finally:
            self._send_lock.release()

    def _send(self, opcode: int, payload: bytes) -> None:
        with self._send_lock:
            if self._close_was_sent:
                raise OSError("the connection is closed")
            self._stream.send_all(_frame(opcode, payload))


class _Violation(Exception):
    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.code = code


class _ByteStream:
    """A connection of which one thread can read while another writes, over TLS as well.

    The lock is held while TLS is at work and never while anybody waits, as one TLS session is not for two threads.
    """

    def __init__(self, host: str, port: int, timeout_seconds: float, ssl_context: Optional[ssl.SSLContext]) -> None:
        sock = socket.create_connection((host, port), timeout=timeout_seconds)
        try:
            _find_dead_peers(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock: Union[socket.socket, ssl.SSLSocket] = sock
            if ssl_context is not None:
                self._sock = ssl_context.wrap_socket(sock, server_hostname=host)
            self._sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        self._lock = threading.Lock()
        self._buffer = bytearray()

    def read(self, length: int, end: Optional[float]) -> bytes:
        while len(self._buffer) < length:
            self._receive(end)
        return self._take(length)

    def read_until(self, mark: bytes, longest: int, end: float) -> bytes:
        while mark not in self._buffer:
            if len(self._buffer) > longest:
                raise OSError("the answer to the WebSocket's handshake is too long")
            self._receive(end)
        return self._take(self._buffer.index(mark) + len(mark))

    def read_body(self, length: str, end: float) -> bytes:
        wanted = min(int(length), _LONGEST_HEAD) if length.isdecimal() else 0
        while len(self._buffer) < wanted:
            self._receive(end)
        return self._take(wanted)

    def send_all(self, data: bytes, end: Optional[float] = None) -> None:
        rest = memoryview(data)
        while rest:
            wanted = selectors.EVENT_WRITE
            try:
                with self._lock:
                    rest = rest[self._sock.send(rest) :]
                continue
            except ssl.SSLWantReadError:
                wanted = selectors.EVENT_READ
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            if end is not None and time.monotonic() >= end:
                raise socket.timeout("the server takes nothing")
            # Not for ever, as the reader may take what TLS waits for.
            self._wait(wanted, 1.0)

    def shut_down(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It has ended already.
            pass

    def close(self) -> None:
        self.shut_down()
        self._sock.close()

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _receive(self, end: Optional[float]) -> None:
        while True:
            wanted = selectors.EVENT_READ
            try:
                with self._lock:
                    piece = self._sock.recv(_PIECE)
                if not piece:
                    raise ConnectionResetError("the connection broke")
                self._buffer += piece
                return
            except ssl.SSLWantWriteError:
                wanted = selectors.EVENT_WRITE
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            left = 1.0 if end is None else end - time.monotonic()
            if left <= 0:
                raise socket.timeout("no answer in time")
            # A sender may have made TLS take what this waits for, so it looks again now and then.
            self._wait(wanted, min(left, 1.0))

    def _wait(self, wanted: int, timeout_seconds: float) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._sock, wanted)
                selector.select(timeout_seconds)
        except ValueError as error:
            raise OSError("the connection is closed") from error


# A peer that vanished is found by the kernel: it cannot be asked by pings, as it reads nothing while a program does not.
def _find_dead_peers(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    mask = os.urandom(4)
    repeated = (mask * (length // 4 + 1))[:length]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + masked.to_bytes(length, "big")


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise _Violation(_INVALID_TEXT, "the server sent text that is not UTF-8") from error
