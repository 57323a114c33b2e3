import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from runbay import ConnectionFailedError
from runbay import NotFoundError
from runbay import Runbay
from runbay import RunbayError
from runbay import output_bytes

from .fake_server import FakeServer
from .fake_server import sse

ENDED = {"execution_id": "e1", "status": "COMPLETED", "exit_code": 0, "stdout": "äh, 2\n", "stderr": ""}

# Ids have gaps.
WIRE = [
    {"type": "status", "id": 1, "status": "QUEUED", "attempt": 0, "at": "2026-01-01T00:00:00.000Z"},
    {"type": "status", "id": 3, "status": "RUNNING", "attempt": 1, "at": "2026-01-01T00:00:00.100Z"},
    {"type": "stdout", "id": 4, "data": "void"},
    {"type": "reset", "id": 5, "attempt": 2},
    {"type": "stdout", "id": 9, "data": "äh, "},
    {"type": "stderr", "id": 10, "data": "a\nb"},
    {"type": "test", "id": 12, "index": 0, "name": None, "verdict": "passed"},
    {"type": "a type of a later version", "id": 13},
    {"type": "stdout", "id": 15, "data": "2\n"},
    {"type": "result", "id": 16, **ENDED},
]

EVENTS = [event for event in WIRE[:-1] if event["id"] != 13] + [{"type": "result", "id": 16, "execution": ENDED}]


def rest(handler):
    last = int(handler.headers.get("Last-Event-ID", 0))
    return [event for event in WIRE if event["id"] > last]


def answer_rest(handler):
    handler.begin_stream()
    handler.write(b"".join(map(sse, rest(handler))))
    handler.end_stream()


class Streams(unittest.TestCase):
    def client_of(self, answer):
        fake = FakeServer(answer)
        self.addCleanup(fake.stop)
        client = Runbay(fake.base_url, api_key="secret")
        self.addCleanup(client.close)
        return fake, client

    def test_tell_all_events_in_order_with_comments_and_in_pieces(self):
        def answer(handler, number):
            handler.begin_stream(chunked=number == 1)
            whole = b": hello\n\n" + b":\n\n".join(map(sse, WIRE))
            for start in range(0, len(whole), 7):
                handler.write(whole[start : start + 7])
            handler.end_stream()

        fake, client = self.client_of(answer)
        self.assertEqual(list(client.stream("e/1", encoding="base64")), EVENTS)
        self.assertEqual(list(client.stream("e1")), EVENTS)
        self.assertEqual(len(fake.requests), 2)
        self.assertEqual(fake.requests[0].path, "/executions/e%2F1/events?encoding=base64")
        self.assertEqual(fake.requests[0].headers["Authorization"], "Bearer secret")

    def test_lose_nothing_and_tell_nothing_twice_wherever_the_connection_breaks(self):
        whole = b"".join(map(sse, WIRE))
        broken = set()

        def answer(handler, _):
            cut = int(handler.path.split("/")[2][1:])
            if cut in broken:
                return answer_rest(handler)
            broken.add(cut)
            # Some in the middle of a chunk, some as if they were complete, some without chunks.
            handler.begin_stream(chunked=cut % 3 != 0)
            handler.write(whole[:cut])
            if cut % 3 == 1:
                handler.end_stream()
            elif cut % 3 == 2:
                handler.break_off()

        _, client = self.client_of(answer)
        with ThreadPoolExecutor(32) as threads:
            for events in threads.map(lambda cut: list(client.stream(f"e{cut}")), range(len(whole))):
                self.assertEqual(events, EVENTS)

    def test_survive_a_break_after_each_event_as_each_is_progress(self):
        def answer(handler, _):
            handler.begin_stream()
            handler.write(sse(rest(handler)[0]))
            handler.end_stream()

        fake, client = self.client_of(answer)
        self.assertEqual(list(client.stream("e1", max_failures=1)), EVENTS)
        asked = [request.headers.get("Last-Event-ID") for request in fake.requests]
        self.assertEqual(asked, [None, *(str(event["id"]) for event in WIRE[:-1])])

    def test_go_on_when_the_client_was_too_slow(self):
        def answer(handler, number):
            if number > 1:
                return answer_rest(handler)
            handler.begin_stream()
            handler.write(b"".join(map(sse, WIRE[:3])))
            handler.write(sse({"type": "too_slow", "message": "reconnect"}))
            handler.end_stream()

        fake, client = self.client_of(answer)
        self.assertEqual(list(client.stream("e1")), EVENTS)
        self.assertEqual(fake.requests[1].headers["Last-Event-ID"], "4")

    def test_wait_for_a_server_that_is_busy_or_away(self):
        def answer(handler, number):
            if number == 1:
                return handler.problem(503, "overloaded", [("Retry-After", 1)])
            if number == 2:
                return handler.problem(429, "client_share", [("Retry-After", 0)])
            if number == 3:
                return handler.break_off()
            answer_rest(handler)

        fake, client = self.client_of(answer)
        start = time.monotonic()
        self.assertEqual(list(client.stream("e1")), EVENTS)
        self.assertGreaterEqual(time.monotonic() - start, 1)
        self.assertEqual(len(fake.requests), 4)

    def test_give_up_without_progress_which_events_told_before_are_not(self):
        def answer(handler, _):
            handler.begin_stream()
            handler.write(b"".join(map(sse, WIRE[:3])))
            handler.end_stream()

        fake, client = self.client_of(answer)
        told = []
        with self.assertRaises(ConnectionFailedError):
            for event in client.stream("e1", max_failures=2):
                told.append(event["id"])
        self.assertEqual(len(fake.requests), 3)
        self.assertEqual(told[:3], [1, 3, 4])

    def test_tell_at_once_what_will_not_pass(self):
        def answer(handler, _):
            if "none" in handler.path:
                return handler.json(200, {})
            handler.problem(404, "execution_not_found")

        fake, client = self.client_of(answer)
        with self.assertRaises(NotFoundError):
            list(client.stream("e1"))
        with self.assertRaises(RunbayError):
            list(client.stream("none"))
        self.assertEqual(len(fake.requests), 2)

    def test_can_be_left_and_taken_up_later(self):
        fake, client = self.client_of(lambda handler, _: answer_rest(handler))
        for event in client.stream("e1"):
            if event["id"] == 4:
                break
        left = list(client.stream("e1", last_event_id=event["id"]))
        self.assertEqual(left, EVENTS[3:])
        self.assertEqual(fake.requests[1].headers["Last-Event-ID"], "4")

    def test_have_the_bytes_of_output(self):
        self.assertEqual(
            output_bytes({"type": "stdout", "id": 1, "data": "/wAK", "encoding": "base64"}), b"\xff\x00\n"
        )
        self.assertEqual(output_bytes({"type": "stdout", "id": 1, "data": "ä"}), b"\xc3\xa4")
