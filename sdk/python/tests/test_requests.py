import json
import threading
import time
import unittest

from runbay import ActiveExecutionError
from runbay import ApiError
from runbay import ConnectionFailedError
from runbay import NotFoundError
from runbay import Runbay
from runbay import VersionConflictError
from runbay import WaitTimeoutError

from .fake_server import FakeServer


class Requests(unittest.TestCase):
    def client_of(self, answer, prefix="", **options):
        fake = FakeServer(answer)
        self.addCleanup(fake.stop)
        client = Runbay(fake.base_url + prefix, **options)
        self.addCleanup(client.close)
        return fake, client

    def test_that_create_are_sent_again_under_the_same_key(self):
        def answer(handler, number):
            turn = number % 4
            if turn == 1:
                return handler.break_off()
            if turn == 2:
                return handler.problem(503, "timeout", [("Retry-After", 0)])
            if turn == 3:
                return handler.problem(429, "rate_limited", [("Retry-After", 1 if number == 3 else 0)])
            handler.json(202, {"execution_id": "e1", "status": "QUEUED"})

        fake, client = self.client_of(answer)
        start = time.monotonic()
        client.run("s1", stdin="x", interactive=True)
        self.assertGreaterEqual(time.monotonic() - start, 1)
        client.create_execution(source_code="1")
        client.create_session(idempotency_key="mine")
        keys = [request.headers["Idempotency-Key"] for request in fake.requests]
        self.assertEqual(len(keys), 12)
        for first in (0, 4, 8):
            self.assertEqual(len(set(keys[first : first + 4])), 1)
        self.assertEqual(len(set(keys)), 3)
        self.assertEqual(keys[8], "mine")
        self.assertEqual(json.loads(fake.requests[3].body), {"stdin": "x", "interactive": True})

    def test_that_write_otherwise_are_sent_again_only_if_they_had_no_effect(self):
        codes = ["overloaded", "timeout"]

        def answer(handler, _):
            if not codes:
                return handler.break_off()
            handler.problem(503, codes.pop(0), [("Retry-After", 0)])

        fake, client = self.client_of(answer)
        with self.assertRaises(ApiError) as raised:
            client.save_session("s1", source_code="x", version=1)
        self.assertEqual(raised.exception.code, "timeout")
        self.assertEqual(len(fake.requests), 2)
        for write in (
            lambda: client.save_session("s1", source_code="x"),
            lambda: client.cancel("e1", signal="SIGINT"),
            lambda: client.create_executions([{"source_code": "x"}]),
        ):
            with self.assertRaises(ConnectionFailedError):
                write()
        self.assertEqual(len(fake.requests), 5)
        self.assertEqual(fake.requests[3].path, "/executions/e1?signal=SIGINT")
        self.assertTrue(all("Idempotency-Key" not in request.headers for request in fake.requests))

    def test_have_bounds_for_retries_and_patience(self):
        after = [0, 0, 0, 31]
        fake, client = self.client_of(
            lambda handler, number: handler.problem(503, "queue_full", [("Retry-After", after[number - 1])]), retries=2
        )
        for requests, seconds in ((3, 0), (4, 31)):
            with self.assertRaises(ApiError) as raised:
                client.run("s1")
            self.assertEqual(raised.exception.retry_after_seconds, seconds)
            self.assertEqual(len(fake.requests), requests)

    def test_raise_errors_that_carry_the_problem(self):
        def answer(handler, _):
            if handler.command == "PATCH":
                return handler.problem(409, "version_conflict", detail="read it")
            if handler.command == "POST":
                return handler.problem(409, "active_execution", execution_id="e9")
            if "gone" in handler.path:
                return handler.problem(404, "session_not_found")
            handler.send_response(502)
            handler.send_header("Retry-After", "99")
            handler.send_header("Content-Length", "4")
            handler.end_headers()
            handler.wfile.write(b"<h1>")

        _, client = self.client_of(answer)
        with self.assertRaises(VersionConflictError) as raised:
            client.save_session("s1", version=3)
        self.assertIsInstance(raised.exception, ApiError)
        self.assertEqual(str(raised.exception), "This is version_conflict (409 version_conflict): read it")
        self.assertEqual(raised.exception.request_id, "7e57")
        self.assertEqual(raised.exception.problem["code"], "version_conflict")
        with self.assertRaises(ActiveExecutionError) as raised:
            client.run("s1")
        self.assertEqual(raised.exception.execution_id, "e9")
        with self.assertRaises(NotFoundError):
            client.read_session("gone")
        with self.assertRaises(ApiError) as raised:
            client.read_session("s1")
        self.assertEqual((raised.exception.status, raised.exception.code), (502, "http_502"))

    def test_wait_until_the_end_or_the_deadline(self):
        def answer(handler, number):
            handler.json(200, {"execution_id": "e1", "status": "COMPLETED" if number == 3 else "RUNNING"})

        fake, client = self.client_of(answer)
        self.assertEqual(client.wait("e1", timeout_seconds=5, include="source")["status"], "COMPLETED")
        self.assertEqual(len(fake.requests), 3)
        self.assertRegex(fake.requests[0].path, r"^/executions/e1\?wait_ms=(5000|49\d\d)&include=source$")
        with self.assertRaises(WaitTimeoutError) as raised:
            client.wait("e1", timeout_seconds=0.3)
        self.assertEqual(raised.exception.execution["status"], "RUNNING")
        self.assertLess(len(fake.requests), 10, "a server that does not wait is not asked all the time")

    def test_end_although_the_server_does_not(self):
        stop = threading.Event()

        def answer(handler, _):
            if "half" in handler.path:
                handler.send_response(200)
                handler.send_header("Content-Length", "100")
                handler.end_headers()
                handler.wfile.write(b'{"session')
                handler.wfile.flush()
            stop.wait(10)
            handler.close_connection = True

        fake, client = self.client_of(answer, timeout_seconds=0.1, retries=1)
        start = time.monotonic()
        for read in (
            lambda: client.read_session("none"),
            lambda: client.read_session("half"),
            lambda: client.wait("e1", timeout_seconds=0.3),
        ):
            with self.assertRaises(ConnectionFailedError):
                read()
        self.assertLess(time.monotonic() - start, 8)
        self.assertGreaterEqual(len(fake.requests), 5)
        stop.set()

    def test_whose_answer_is_cut_off_are_sent_again(self):
        def answer(handler, number):
            if number == 2:
                return handler.json(200, {"session_id": "s1"})
            handler.send_response(200)
            handler.send_header("Content-Length", "100")
            handler.end_headers()
            handler.wfile.write(b'{"session')
            handler.wfile.flush()
            handler.close_connection = True

        fake, client = self.client_of(answer)
        self.assertEqual(client.read_session("s1"), {"session_id": "s1"})
        self.assertEqual(len(fake.requests), 2)

    def test_share_connections_that_still_stand(self):
        ports = []

        def answer(handler, number):
            ports.append(handler.client_address[1])
            handler.json(200, {"session_id": "s1"})
            # Without a word to the client.
            handler.close_connection = number == 2

        _, client = self.client_of(answer)
        for _ in range(2):
            client.read_session("s1")
        time.sleep(0.05)
        client.save_session("s1", source_code="x")
        self.assertEqual(ports[0], ports[1])
        self.assertNotEqual(ports[1], ports[2])

    def test_name_things_as_the_server_does(self):
        fake, client = self.client_of(lambda handler, _: handler.json(200, {"executions": []}), prefix="/api/")
        client.list_sessions(limit=5, cursor="a b")
        client.list_executions("s1")
        self.assertEqual(client.read_executions(["a", "b"], encoding="base64"), [])
        client.close_session("s1", erase=True)
        client.erase_execution("e1")
        self.assertEqual(
            [f"{request.command} {request.path}" for request in fake.requests],
            [
                "GET /api/code-sessions?limit=5&cursor=a+b",
                "GET /api/code-sessions/s1/executions",
                "GET /api/executions?ids=a%2Cb&encoding=base64",
                "DELETE /api/code-sessions/s1?erase=true",
                "DELETE /api/executions/e1?erase=true",
            ],
        )

    def test_go_to_servers_only(self):
        for url in ("localhost:8080", "ftp://localhost", ""):
            with self.assertRaises(ValueError):
                Runbay(url)
