"""A real server for all tests of a process."""

import atexit
import functools
import json
import os
import queue
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
START_SECONDS = 30


class RealServer:
    """A started `RUNBAY_BIN`, its address and what it offers."""

    def __init__(self) -> None:
        """Starts it, and waits until it listens."""
        binary = os.environ.get("RUNBAY_BIN") or str(REPOSITORY / "target/debug/runbay")
        self._directory = tempfile.TemporaryDirectory(prefix="runbay-sdk-")
        environment = {
            "PATH": os.environ["PATH"],
            "RUNBAY_LANGUAGES": "python",
            "RUNBAY_REQUEST_SECONDS": "30",
            # Servers on one host need different users for their programs.
            "RUNBAY_FIRST_BAY_UID": str(2_000_000_000 + os.getpid() % 32_768 * 60_000),
        }
        data = str(Path(self._directory.name) / "data")
        self._process = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", data],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._log = []
        self._found = queue.Queue()
        threading.Thread(target=self._follow, daemon=True).start()
        url = self._found.get(timeout=START_SECONDS)
        if url is None:
            raise RuntimeError(f"{binary} ended\n" + "".join(self._log))
        self.base_url = url
        with urllib.request.urlopen(f"{url}/openapi.json") as answer:
            self.document = json.load(answer)

    def lacks(self, path: str):
        """Tells why tests of a path cannot run; None when they can."""
        return None if path in self.document["paths"] else f"this server has no {path}"

    def stop(self) -> None:
        """Ends it and removes its data."""
        self._process.terminate()
        self._process.wait()
        self._process.stderr.close()
        self._directory.cleanup()

    def _follow(self) -> None:
        for line in self._process.stderr:
            self._log.append(line.decode(errors="replace"))
            try:
                members = json.loads(line)
            except ValueError:
                continue
            if members.get("message") == "listening":
                self._found.put(members["server.url"])
        self._found.put(None)


@functools.lru_cache(maxsize=None)
def shared_server() -> RealServer:
    """Starts the server at its first use, and stops it at the end of the process."""
    server = RealServer()
    atexit.register(server.stop)
    return server
