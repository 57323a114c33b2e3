import assert from "node:assert/strict";
import { test } from "node:test";

import { MessageParser } from "../dist/sse.js";

const STREAM = Buffer.from(
  [
    ": a comment\n",
    "event: stdout\nid: 7\ndata: ä€𝄞\n\n",
    ":\n\n",
    "event:stdout\r\nid:8\r\ndata:two\r\ndata: lines\r\n\r\n",
    "data: without a type\rretry: 5\runknown: field\r\r",
    "event: dropped because it has no data\nid: 9\n\n",
    "data\n\n",
    "event: unfinished\ndata: x\n",
  ].join(""),
);

const MESSAGES = [
  { type: "stdout", lastEventId: "7", data: "ä€𝄞" },
  { type: "stdout", lastEventId: "8", data: "two\nlines" },
  { type: "message", lastEventId: "8", data: "without a type" },
  { type: "message", lastEventId: "9", data: "" },
];

test("a stream is read alike, however it is cut", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const parser = new MessageParser();
    const messages = [];
    for (let start = 0; start < STREAM.length; start += size) {
      messages.push(...parser.feed(STREAM.subarray(start, start + size)));
    }
    assert.deepEqual(messages, MESSAGES, `in pieces of ${size}`);
  }
});
