"""A server that answers as a test says."""

import base64
import hashlib
import json
import socket
import struct
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """What was asked."""

    command: str
    path: str
    headers: Message
    body: bytes


class FakeServer:
    """Gives each request to `answer`, with its number from 1 on."""

    def __init__(self, answer, ssl_context=None):
        """Starts it, over TLS with a context for it."""
        self.requests = []
        lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                with lock:
                    fake.requests.append(Request(self.command, self.path, self.headers, body))
                    number = len(fake.requests)
                try:
                    answer(self, number)
                except OSError:
                    # The client left.
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

            def break_off(self):
                """Ends the connection at once."""
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.shutdown(socket.SHUT_RDWR)

            def json(self, status, body, headers=()):
                """Answers with JSON."""
                text = json.dumps(body).encode()
                self.send_response(status)
                for name, value in (("Content-Length", len(text)), ("Content-Type", "application/json"), *headers):
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(text)

            def problem(self, status, code, headers=(), **members):
                """Answers with a problem document."""
                title = f"This is {code}"
                document = {"type": f"urn:runbay:problem:{code}", "title": title, "status": status, "code": code}
                document.update(error=title, details=[], errors=[], request_id="7e57", **members)
                self.json(status, document, headers)

            def begin_stream(self, chunked=True):
                """Begins a stream of events."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.chunked = chunked
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                else:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()

            def write(self, data):
                """Sends a piece of the stream."""
                if data:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)
                    self.wfile.flush()

            def end_stream(self):
                """Ends the stream as if it were complete."""
                if self.chunked:
                    self.wfile.write(b"0\r\n\r\n")

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if ssl_context is not None:
            scheme = "https"
            self._server.socket = ssl_context.wrap_socket(self._server.socket, server_side=True)
        self.base_url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


def sse(event):
    """Returns an event as it stands in a stream."""
    members = dict(event)
    kind, event_id = members.pop("type"), members.pop("id", None)
    lines = [f"event: {kind}", *([] if event_id is None else [f"id: {event_id}"]), f"data: {json.dumps(members)}"]
    return ("\n".join(lines) + "\n\n").encode()


class Peer:
    """The server's side of a WebSocket."""

    def __init__(self, handler):
        """Accepts the handshake."""
        handler.close_connection = True
        key = handler.headers["Sec-WebSocket-Key"].encode()
        proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        handler.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof.encode() + b"\r\n\r\n"
        )
        self._handler = handler

    def send(self, event):
        """Sends an object as a text frame."""
        self.send_frame(0x81, json.dumps(event).encode())

    def send_frame(self, first, payload):
        """Sends a frame with this first byte."""
        length = len(payload)
        head = bytes([first, length]) if length < 126 else struct.pack("!BBQ", first, 127, length)
        self._handler.wfile.write(head + payload)

    def close(self, code):
        """Sends a close frame, and waits for the client's."""
        self.send_frame(0x88, struct.pack("!H", code))
        while self.receive_frame()[0] != 0x88:
            pass

    def receive(self):
        """Returns the next object from the client; None at the end."""
        first, payload = self.receive_frame()
        return json.loads(payload) if first == 0x81 else None

    def receive_frame(self):
        """Returns the first byte and the payload of the next frame; a close frame at the end."""
        head = self._handler.rfile.read(2)
        if len(head) < 2:
            return 0x88, b""
        length = head[1] & 0x7F
        if not head[1] & 0x80:
            raise AssertionError("a frame of the client is not masked")
        if length >= 126:
            size = 2 if length == 126 else 8
            length = int.from_bytes(self._handler.rfile.read(size), "big")
        mask = self._handler.rfile.read(4)
        payload = self._handler.rfile.read(length)
        return head[0], bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))

    def break_off(self):
        """Ends the connection without a word."""
        self._handler.break_off()
