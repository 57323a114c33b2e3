import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from runbay import ConnectionFailedError
from runbay import Runbay

from .fake_server import FakeServer
from .fake_server import Peer
from .fake_server import sse

RESULT = {"type": "result", "id": 9, "execution_id": "e1", "status": "COMPLETED", "stdout": ""}


@unittest.skipUnless(shutil.which("openssl"), "openssl, which makes a certificate, is missing")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="runbay-sdk-")
        cls.addClassCleanup(directory.cleanup)
        cls.certificate, cls.key = (str(Path(directory.name) / name) for name in ("certificate", "key"))
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", cls.key, "-out", cls.certificate]
        subprocess.run([*command.split(), *names], check=True, capture_output=True)

    def client_of(self, answer, trusts=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        fake = FakeServer(answer, context)
        self.addCleanup(fake.stop)
        trusted = ssl.create_default_context(cafile=self.certificate if trusts else None)
        client = Runbay(fake.base_url, ssl_context=trusted, retries=0)
        self.addCleanup(client.close)
        return client

    def test_carries_requests_and_streams(self):
        def answer(handler, _):
            if "events" not in handler.path:
                return handler.json(200, {"session_id": "s1"})
            handler.begin_stream()
            handler.write(sse(RESULT))
            handler.end_stream()

        client = self.client_of(answer)
        for _ in range(3):
            self.assertEqual(client.read_session("s1"), {"session_id": "s1"})
        self.assertEqual([event["id"] for event in client.stream("e1")], [9])

    def test_is_not_spoken_with_strangers(self):
        client = self.client_of(lambda handler, _: handler.json(200, {}), trusts=False)
        with self.assertRaises(ConnectionFailedError):
            client.read_session("s1")

    def test_carries_much_both_ways_at_once(self):
        received = []

        def answer(handler, _):
            peer = Peer(handler)

            def listen():
                while not received or received[-1]["type"] != "eof":
                    received.append(peer.receive())

            listener = threading.Thread(target=listen)
            listener.start()
            for number in range(2_000):
                peer.send({"type": "stdout", "id": number + 1, "data": "x" * 2_000})
            listener.join()
            peer.send({**RESULT, "id": 9_999})
            peer.close(1000)

        client = self.client_of(answer)
        with client.interact("e1") as interaction:

            def speak():
                interaction.input("y" * 2_000_000)
                interaction.eof()

            speaker = threading.Thread(target=speak)
            speaker.start()
            events = list(interaction)
            speaker.join()
        self.assertEqual([event["id"] for event in events], [*range(1, 2_001), 9_999])
        self.assertEqual(sum(len(command.get("data", "")) for command in received), 2_000_000)
