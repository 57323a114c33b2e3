import queue
import struct
import threading
import time
import unittest
from urllib.parse import urlsplit

from runbay import websocket
from runbay.websocket import HandshakeRefused
from runbay.websocket import WebSocket
from runbay.websocket import WebSocketClosed

from .fake_server import FakeServer
from .fake_server import Peer

FIN = 0x80


class WebSockets(unittest.TestCase):
    def socket_of(self, converse):
        fake = FakeServer(lambda handler, _: converse(Peer(handler)))
        self.addCleanup(fake.stop)
        return self.connect(fake)

    def connect(self, fake):
        url = urlsplit(fake.base_url)
        socket = WebSocket(url.hostname, url.port, url.netloc, "/", {"Authorization": "x"}, 5.0, None)
        self.addCleanup(socket.discard)
        return socket

    def test_carry_messages_of_all_lengths_both_ways(self):
        def converse(peer):
            while True:
                first, payload = peer.receive_frame()
                if first != 0x81:
                    return peer.close(1000)
                peer.send_frame(first, payload)

        socket = self.socket_of(converse)
        for length in (0, 1, 3, 125, 126, 65_535, 65_536, 300_000):
            text = ("aä€𝄞" * length)[:length]
            socket.send_text(text)
            self.assertEqual(socket.receive(), text)

    def test_put_fragments_together_around_pings(self):
        pongs = []

        def converse(peer):
            text = "ä€".encode()
            peer.send_frame(0x01, text[:1])
            peer.send_frame(FIN | 0x9, b"are you there?")
            peer.send_frame(0x00, text[1:3])
            peer.send_frame(FIN | 0xA, b"nobody asked")
            peer.send_frame(FIN | 0x00, text[3:])
            pongs.append(peer.receive_frame())
            peer.close(4408)

        socket = self.socket_of(converse)
        self.assertEqual(socket.receive(), "ä€")
        with self.assertRaises(WebSocketClosed) as raised:
            socket.receive()
        self.assertEqual(raised.exception.code, 4408)
        self.assertEqual(pongs, [(FIN | 0xA, b"are you there?")])
        with self.assertRaises(WebSocketClosed):
            socket.send_text("too late")

    def test_refuse_what_the_protocol_does_not_allow(self):
        for code, frames in (
            (1002, [(FIN | 0x00, b"a fragment of nothing")]),
            (1002, [(0x01, b"one"), (FIN | 0x01, b"two")]),
            (1002, [(FIN | 0x40 | 0x01, b"compressed")]),
            (1002, [(FIN | 0x03, b"unknown")]),
            (1002, [(0x09, b"a ping in fragments")]),
            (1002, [(FIN | 0x09, b"x" * 126)]),
            (1002, [(FIN | 0x08, b"x")]),
            (1003, [(FIN | 0x02, b"binary")]),
            (1007, [(FIN | 0x01, b"\xff")]),
        ):
            with self.subTest(frames=frames):
                closes = []
                done = threading.Event()

                def converse(peer, frames=frames, closes=closes, done=done):
                    for first, payload in frames:
                        peer.send_frame(first, payload)
                    closes.append(peer.receive_frame())
                    done.set()

                socket = self.socket_of(converse)
                with self.assertRaises(WebSocketClosed) as raised:
                    socket.receive()
                self.assertEqual(raised.exception.code, code)
                self.assertTrue(done.wait(5))
                self.assertEqual(closes, [(FIN | 0x08, struct.pack("!H", code))])

    def test_refuse_messages_that_are_too_big(self):
        longest, websocket.LONGEST_MESSAGE = websocket.LONGEST_MESSAGE, 100
        self.addCleanup(setattr, websocket, "LONGEST_MESSAGE", longest)

        def converse(peer):
            peer.send_frame(FIN | 0x01, b"x" * 100)
            peer.send_frame(0x01, b"x" * 60)
            peer.send_frame(FIN | 0x00, b"x" * 41)
            peer.receive_frame()

        socket = self.socket_of(converse)
        self.assertEqual(len(socket.receive()), 100)
        with self.assertRaises(WebSocketClosed) as raised:
            socket.receive()
        self.assertEqual(raised.exception.code, 1009)

    def test_end_when_the_connection_breaks(self):
        socket = self.socket_of(lambda peer: peer.break_off())
        with self.assertRaises(WebSocketClosed) as raised:
            socket.receive()
        self.assertEqual(raised.exception.code, 1006)

    def test_wait_only_until_the_moment_that_was_given(self):
        stop = threading.Event()
        socket = self.socket_of(lambda _: stop.wait(10))
        start = time.monotonic()
        with self.assertRaises(WebSocketClosed):
            socket.receive(start + 0.2)
        self.assertLess(time.monotonic() - start, 5)
        stop.set()

    def test_can_be_closed_while_another_thread_receives(self):
        codes = queue.Queue()
        socket = self.socket_of(lambda peer: codes.put(peer.receive_frame()[1]))
        timer = threading.Timer(0.1, socket.close)
        timer.start()
        with self.assertRaises(WebSocketClosed):
            socket.receive()
        self.assertEqual(codes.get(timeout=5), struct.pack("!H", 1000))

    def test_receive_while_the_server_takes_nothing(self):
        stop = threading.Event()

        def converse(peer):
            # The client's buffers are full by then.
            stop.wait(10)
            while peer.receive_frame()[0] == 0x81:
                pass

        socket = self.socket_of(lambda peer: (peer.send({"first": True}), converse(peer)))
        sender = threading.Thread(target=socket.send_text, args=("x" * 20_000_000,))
        sender.start()
        self.assertEqual(socket.receive(), '{"first": true}')
        self.assertTrue(sender.is_alive())
        stop.set()
        sender.join(20)
        self.assertFalse(sender.is_alive())
        socket.close()

    def test_tell_why_the_server_does_not_want_to(self):
        fake = FakeServer(lambda handler, _: handler.problem(404, "execution_not_found"))
        self.addCleanup(fake.stop)
        with self.assertRaises(HandshakeRefused) as raised:
            self.connect(fake)
        self.assertEqual(raised.exception.status, 404)
        self.assertIn(b"execution_not_found", raised.exception.body)

    def test_check_that_the_server_speaks_the_protocol(self):
        def answer(handler, _):
            handler.send_response(101)
            handler.send_header("Sec-WebSocket-Accept", "x")
            handler.end_headers()

        fake = FakeServer(answer)
        self.addCleanup(fake.stop)
        with self.assertRaises(OSError):
            self.connect(fake)
