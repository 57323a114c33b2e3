"""A way to a server on which every connection breaks after some bytes of the answer."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class BreakingProxy:
    """Lets each connection live for `step` bytes more than the one before."""

    def __init__(self, base_url, step):
        """Starts it."""
        url = urlsplit(base_url)
        self._target = (url.hostname, url.port)
        self._step = step
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Takes no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            upstream = socket.create_connection(self._target)
            for source, sink, left in ((client, upstream, None), (upstream, client, self._step * self.connections)):
                threading.Thread(target=_pass_on, args=(source, sink, left), daemon=True).start()


def _pass_on(source, sink, left):
    try:
        while left is None or left > 0:
            piece = source.recv(65_536)
            if not piece:
                break
            sink.sendall(piece[:left])
            left = None if left is None else left - len(piece)
    except OSError:
        # The other direction has ended it.
        pass
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    # Each thread closes what it read from; the other one may still be in what it wrote to.
    source.close()
