import threading
import time
import unittest

from runbay import ConnectionFailedError
from runbay import InteractionClosedError
from runbay import NotFoundError
from runbay import Runbay

from .fake_server import FakeServer
from .fake_server import Peer

RESULT = {"type": "result", "id": 9, "execution_id": "e1", "status": "COMPLETED", "stdout": ""}


class Interactions(unittest.TestCase):
    def client_of(self, converse, read=lambda handler: handler.json(200, {"execution_id": "e1"})):
        """Gives each connection to `converse`, with its number from 1 on, and other requests to `read`."""
        numbers = iter(range(1, 100))

        def answer(handler, _):
            if handler.headers.get("Upgrade") != "websocket":
                return read(handler)
            converse(Peer(handler), next(numbers))

        fake = FakeServer(answer)
        self.addCleanup(fake.stop)
        client = Runbay(fake.base_url, api_key="secret")
        self.addCleanup(client.close)
        return fake, client

    def test_go_from_the_first_prompt_to_the_result(self):
        def converse(peer, _):
            peer.send({"type": "status", "id": 1, "status": "RUNNING", "attempt": 1, "at": ""})
            peer.send({"type": "stdout", "id": 2, "data": "Name? "})
            self.assertEqual(peer.receive(), {"type": "resize", "cols": 80, "rows": 24})
            peer.send({"type": "stdout", "id": 3, "data": "Hello, " + peer.receive()["data"]})
            self.assertEqual(peer.receive(), {"type": "signal", "name": "SIGINT"})
            peer.send(RESULT)
            peer.close(1000)

        fake, client = self.client_of(converse)
        told = []
        with client.interact("e1", encoding="base64") as interaction:
            interaction.resize(80, 24)
            for event in interaction:
                told.append(event.get("data", event["type"]))
                if event["id"] == 2:
                    self.assertTrue(interaction.input("Ada\n"))
                if event["id"] == 3:
                    interaction.signal("SIGINT")
            self.assertEqual(event["execution"]["status"], "COMPLETED")
            self.assertFalse(interaction.input("too late"))
            self.assertEqual(list(interaction), [])
        self.assertEqual(told, ["status", "Name? ", "Hello, Ada\n", "result"])
        self.assertEqual(fake.requests[0].path, "/executions/e1/ws?encoding=base64")
        self.assertEqual(fake.requests[0].headers["Authorization"], "Bearer secret")

    def test_keep_the_order_of_commands_and_send_long_input_in_pieces(self):
        received = []

        def converse(peer, _):
            while not received or received[-1]["type"] != "eof":
                received.append(peer.receive())
            peer.send(RESULT)
            peer.close(1000)

        _, client = self.client_of(converse)
        text = "𝄞ä" * 10_000
        interaction = client.interact("e1")
        interaction.resize(100, 30)
        interaction.input(text)
        interaction.input(b"\xff\x00")
        interaction.eof()
        self.assertEqual([event["type"] for event in interaction], ["result"])
        inputs = [command["data"] for command in received if command["type"] == "stdin" and "encoding" not in command]
        self.assertEqual("".join(inputs), text)
        self.assertEqual(max(map(len, inputs)), 8_192)
        self.assertEqual(received[0], {"type": "resize", "cols": 100, "rows": 30})
        self.assertEqual(received[-2:], [{"type": "stdin", "data": "/wA=", "encoding": "base64"}, {"type": "eof"}])

    def test_go_on_after_a_break_a_slow_moment_and_a_restart(self):
        told_again = []

        def converse(peer, number):
            if number == 1:
                peer.send({"type": "stdout", "id": 4, "data": "a"})
                while peer.receive()["type"] != "eof":
                    pass
                peer.break_off()
            if number == 2:
                peer.send({"type": "stdout", "id": 6, "data": "b"})
                peer.send({"type": "too_slow", "message": "reconnect"})
                peer.close(4408)
            if number == 3:
                peer.close(1001)
            if number == 4:
                peer.send({"type": "reset", "id": 7, "attempt": 2})
                told_again.extend([peer.receive(), peer.receive()])
                peer.send(RESULT)
                peer.close(1000)

        fake, client = self.client_of(converse)
        told = []
        interaction = client.interact("e1", last_event_id=2)
        for event in interaction:
            told.append(event["id"])
            if event["id"] == 4:
                interaction.resize(80, 24)
                interaction.eof()
        self.assertEqual(told, [4, 6, 7, 9])
        self.assertEqual([request.path.split("=")[1] for request in fake.requests], ["2", "4", "6", "6"])
        self.assertEqual(told_again, [{"type": "resize", "cols": 80, "rows": 24}, {"type": "eof"}])

    def test_say_that_input_is_in_doubt_after_a_break(self):
        received = []

        def converse(peer, number):
            received.append(peer.receive())
            if number == 1:
                return peer.break_off()
            peer.send(RESULT)
            peer.close(1000)

        _, client = self.client_of(converse)
        told = []
        with client.interact("e1") as interaction:
            interaction.input("first")
            for event in interaction:
                told.append(event["type"])
                if event["type"] == "input_in_doubt":
                    interaction.input("second")
        self.assertEqual(told, ["input_in_doubt", "result"])
        self.assertEqual([command["data"] for command in received], ["first", "second"])

    def test_take_output_while_the_program_takes_no_input(self):
        stop = threading.Event()

        def converse(peer, _):
            peer.send({"type": "stdout", "id": 1, "data": "busy"})
            stop.wait(10)
            peer.send(RESULT)
            while peer.receive() is not None:
                pass

        _, client = self.client_of(converse)
        interaction = client.interact("e1")
        sender = threading.Thread(target=interaction.input, args=("x" * 20_000_000,), daemon=True)
        sender.start()
        self.assertEqual(next(interaction)["data"], "busy")
        self.assertTrue(sender.is_alive())
        stop.set()
        self.assertEqual(next(interaction)["type"], "result")
        sender.join(20)
        self.assertFalse(sender.is_alive())

    def test_do_not_try_again_after_a_bad_frame(self):
        fake, client = self.client_of(lambda peer, _: peer.close(4400))
        with self.assertRaises(InteractionClosedError) as raised:
            list(client.interact("e1"))
        self.assertEqual(raised.exception.close_code, 4400)
        self.assertEqual(len(fake.requests), 1)

    def test_tell_of_an_unknown_execution_as_reading_does(self):
        def missing(handler):
            handler.problem(404, "execution_not_found")

        _, client = self.client_of(lambda peer, _: peer.close(4404), missing)
        with self.assertRaises(NotFoundError):
            list(client.interact("e1"))
        fake = FakeServer(lambda handler, _: missing(handler))
        self.addCleanup(fake.stop)
        with self.assertRaises(NotFoundError):
            list(Runbay(fake.base_url).interact("e1"))

    def test_give_up_without_progress(self):
        def converse(peer, _):
            peer.send({"type": "stdout", "id": 1, "data": "again"})
            peer.close(1011)

        fake, client = self.client_of(converse)
        with self.assertRaises(ConnectionFailedError):
            list(client.interact("e1", max_failures=2))
        self.assertEqual(len(fake.requests), 3)

    def test_can_be_closed_by_any_thread(self):
        ends = []

        def converse(peer, _):
            peer.send({"type": "stdout", "id": 1, "data": "a"})
            ends.append(peer.receive())

        _, client = self.client_of(converse)
        interaction = client.interact("e1")
        self.assertEqual(next(interaction)["data"], "a")
        threading.Timer(0.1, interaction.close).start()
        self.assertEqual(list(interaction), [])
        self.assertFalse(interaction.input("x"))
        start = time.monotonic()
        with client.interact("e1"):
            pass
        self.assertLess(time.monotonic() - start, 1)
