import assert from "node:assert/strict";
import { after, test } from "node:test";

import { ConnectionFailedError, NotFoundError, outputBytes, Runbay, RunbayError } from "../dist/index.js";
import { problem, sse, startFake } from "./fake_server.mjs";

const ENDED = { execution_id: "e1", status: "COMPLETED", exit_code: 0, stdout: "äh, 2\n", stderr: "" };

// Ids have gaps.
const WIRE = [
  { type: "status", id: 1, status: "QUEUED", attempt: 0, at: "2026-01-01T00:00:00.000Z" },
  { type: "status", id: 3, status: "RUNNING", attempt: 1, at: "2026-01-01T00:00:00.100Z" },
  { type: "stdout", id: 4, data: "void" },
  { type: "reset", id: 5, attempt: 2 },
  { type: "stdout", id: 9, data: "äh, " },
  { type: "stderr", id: 10, data: "a\nb" },
  { type: "test", id: 12, index: 0, name: null, verdict: "passed" },
  { type: "a type of a later version", id: 13 },
  { type: "stdout", id: 15, data: "2\n" },
  { type: "result", id: 16, ...ENDED },
];

const EVENTS = WIRE.filter(({ id }) => id !== 13).map((event) =>
  event.type === "result" ? { type: "result", id: 16, execution: ENDED } : event,
);

const fakes = [];
after(() => Promise.all(fakes.map((fake) => fake.stop())));

async function fakeOf(answer) {
  const fake = await startFake(answer);
  fakes.push(fake);
  return { fake, runbay: new Runbay({ baseUrl: fake.baseUrl, apiKey: "secret" }) };
}

function begin(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
}

function rest(request) {
  const last = Number(request.headers["last-event-id"] ?? 0);
  return WIRE.filter(({ id }) => id > last);
}

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

test("all events come in order, with comments between them and in pieces", async () => {
  const { fake, runbay } = await fakeOf(async (_, response) => {
    begin(response);
    const bytes = Buffer.from(`: hello\n\n${WIRE.map(sse).join(":\n\n")}`);
    for (let start = 0; start < bytes.length; start += 7) {
      response.write(bytes.subarray(start, start + 7));
      await new Promise(setImmediate);
    }
    response.end();
  });
  assert.deepEqual(await collect(runbay.stream("e/1", { encoding: "base64" })), EVENTS);
  assert.equal(fake.requests.length, 1);
  assert.equal(fake.requests[0].url, "/executions/e%2F1/events?encoding=base64");
  assert.equal(fake.requests[0].headers.authorization, "Bearer secret");
});

test("nothing is lost or told twice wherever the connection breaks", async () => {
  const whole = Buffer.from(WIRE.map(sse).join(""));
  const broken = new Set();
  const { runbay } = await fakeOf((request, response) => {
    begin(response);
    const cut = Number(/e(\d+)/.exec(request.url)[1]);
    if (broken.has(cut)) return response.end(rest(request).map(sse).join(""));
    broken.add(cut);
    response.write(whole.subarray(0, cut));
    // Once the bytes are on their way; half of the connections end as if they were complete.
    setImmediate(() => (cut % 2 ? response.end() : response.destroy()));
  });
  const cuts = Array.from({ length: whole.length }, (_, cut) => cut);
  const streams = await Promise.all(cuts.map((cut) => collect(runbay.stream(`e${cut}`))));
  for (const events of streams) assert.deepEqual(events, EVENTS);
});

test("a break after each single event is survived, as each is progress", async () => {
  const { fake, runbay } = await fakeOf((request, response) => {
    begin(response);
    response.end(sse(rest(request)[0]));
  });
  assert.deepEqual(await collect(runbay.stream("e1", { maxFailures: 1 })), EVENTS);
  const asked = fake.requests.map(({ headers }) => headers["last-event-id"]);
  assert.deepEqual(asked, [undefined, ...WIRE.slice(0, -1).map(({ id }) => String(id))]);
});

test("a client that is too slow goes on where it was", async () => {
  const { fake, runbay } = await fakeOf((request, response, number) => {
    begin(response);
    if (number > 1) return response.end(rest(request).map(sse).join(""));
    response.write(WIRE.slice(0, 3).map(sse).join(""));
    response.end(sse({ type: "too_slow", message: "reconnect" }));
  });
  assert.deepEqual(await collect(runbay.stream("e1")), EVENTS);
  assert.equal(fake.requests[1].headers["last-event-id"], "4");
});

test("503 with Retry-After, 429 and a refused connection pass", async () => {
  const { fake, runbay } = await fakeOf((request, response, number) => {
    if (number === 1) return problem(response, 503, "overloaded", { "retry-after": "1" });
    if (number === 2) return problem(response, 429, "client_share", { "retry-after": "0" });
    if (number === 3) return response.destroy();
    begin(response);
    response.end(rest(request).map(sse).join(""));
  });
  const start = Date.now();
  assert.deepEqual(await collect(runbay.stream("e1")), EVENTS);
  assert.ok(Date.now() - start >= 1_000);
  assert.equal(fake.requests.length, 4);
});

test("attempts without progress are bounded, and events told before are none", async () => {
  const { fake, runbay } = await fakeOf((_, response) => {
    begin(response);
    response.end(WIRE.slice(0, 3).map(sse).join(""));
  });
  const told = [];
  await assert.rejects(async () => {
    for await (const event of runbay.stream("e1", { maxFailures: 2 })) told.push(event.id);
  }, ConnectionFailedError);
  assert.equal(fake.requests.length, 3);
  assert.deepEqual(told.slice(0, 3), [1, 3, 4]);
});

test("an execution that is not there is told at once, as is a stream that is none", async () => {
  const { fake, runbay } = await fakeOf((request, response) => {
    if (request.url.includes("none")) return response.end("<p>welcome</p>");
    problem(response, 404, "execution_not_found");
  });
  await assert.rejects(collect(runbay.stream("e1")), NotFoundError);
  await assert.rejects(collect(runbay.stream("none")), RunbayError);
  assert.equal(fake.requests.length, 2);
});

test("a stream can be left, aborted and taken up later", async () => {
  let open = 0;
  const { runbay } = await fakeOf((request, response) => {
    begin(response);
    open += 1;
    response.on("close", () => (open -= 1));
    response.write(rest(request).slice(0, 2).map(sse).join(""));
  });
  let last;
  for await (const event of runbay.stream("e1")) {
    last = event.id;
    break;
  }
  assert.equal(last, 1);
  const abort = new AbortController();
  const seen = [];
  await assert.rejects(
    async () => {
      for await (const event of runbay.stream("e1", { lastEventId: last, signal: abort.signal })) {
        seen.push(event.id);
        if (seen.length === 2) setTimeout(() => abort.abort(), 20);
      }
    },
    { name: "AbortError" },
  );
  assert.deepEqual(seen, [3, 4]);
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("output has its bytes", () => {
  assert.deepEqual(outputBytes({ type: "stdout", id: 1, data: "/wAK", encoding: "base64" }), Uint8Array.of(255, 0, 10));
  assert.deepEqual(outputBytes({ type: "stdout", id: 1, data: "ä" }), Uint8Array.of(195, 164));
});
