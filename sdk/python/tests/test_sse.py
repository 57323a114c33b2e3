import unittest

from runbay.sse import Message
from runbay.sse import MessageParser

STREAM = (
    ": a comment\n"
    "event: stdout\nid: 7\ndata: ä€𝄞\u2028\x85\x0b\n\n"
    ":\n\n"
    "event:stdout\r\nid:8\r\ndata:two\r\ndata: lines\r\n\r\n"
    "data: without a type\rretry: 5\runknown: field\r\r"
    "event: dropped because it has no data\nid: 9\n\n"
    "data\n\n"
    "event: unfinished\ndata: x\n"
).encode()

MESSAGES = [
    Message("stdout", "7", "ä€𝄞\u2028\x85\x0b"),
    Message("stdout", "8", "two\nlines"),
    Message("message", "8", "without a type"),
    Message("message", "9", ""),
]


class Parser(unittest.TestCase):
    def test_reads_a_stream_alike_however_it_is_cut(self):
        for size in range(1, len(STREAM) + 1):
            parser = MessageParser()
            messages = []
            for start in range(0, len(STREAM), size):
                messages += parser.feed(STREAM[start : start + size])
            self.assertEqual(messages, MESSAGES, f"in pieces of {size}")
