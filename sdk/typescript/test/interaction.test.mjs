import assert from "node:assert/strict";
import { after, test } from "node:test";

import { ConnectionFailedError, InteractionClosedError, NotFoundError, Runbay } from "../dist/index.js";
import { json, problem, startFake } from "./fake_server.mjs";

const options = globalThis.WebSocket ? {} : { skip: "this node has no WebSocket" };
const RESULT = { type: "result", id: 9, execution_id: "e1", status: "COMPLETED", stdout: "" };

const fakes = [];
after(() => Promise.all(fakes.map((fake) => fake.stop())));

/** Each connection is given to `upgrade` with its request and number. */
async function fakeOf(upgrade, answer = (_, response) => json(response, 200, { execution_id: "e1", status: "RUNNING" })) {
  const urls = [];
  const headers = [];
  const fake = await startFake(answer, (request, peer) => {
    urls.push(request.url);
    headers.push(request.headers);
    upgrade(peer, urls.length);
  });
  fakes.push(fake);
  return { fake, urls, headers, runbay: new Runbay({ baseUrl: fake.baseUrl, apiKey: "secret" }) };
}

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

test("a conversation from the first prompt to the result", options, async () => {
  const { urls, headers, runbay } = await fakeOf((peer) => {
    peer.onframe = ({ type, data }) => {
      if (type === "stdin") peer.send({ type: "stdout", id: 3, data: `Hello, ${data}` });
      if (type !== "signal") return;
      peer.send(RESULT);
      peer.close(1000);
    };
    peer.send({ type: "status", id: 1, status: "RUNNING", attempt: 1, at: "" });
    peer.send({ type: "stdout", id: 2, data: "Name? " });
  });
  const interaction = runbay.interact("e1", { encoding: "base64" });
  interaction.resize(80, 24);
  const told = [];
  for await (const event of interaction) {
    told.push(event);
    if (event.id === 2) assert.equal(interaction.input("Ada\n"), true);
    if (event.id === 3) interaction.signal("SIGINT");
  }
  assert.deepEqual(told.map(({ type, data }) => data ?? type), ["status", "Name? ", "Hello, Ada\n", "result"]);
  assert.deepEqual(told.at(-1).execution, { execution_id: "e1", status: "COMPLETED", stdout: "" });
  assert.deepEqual(urls, ["/executions/e1/ws?encoding=base64"]);
  assert.equal(headers[0].authorization, "Bearer secret");
  assert.equal(interaction.input("too late"), false);
});

test("commands before the connection keep their order, and long input goes in pieces", options, async () => {
  const received = [];
  const { runbay } = await fakeOf((peer) => {
    peer.onframe = (frame) => {
      received.push(frame);
      if (frame.type === "eof") peer.send(RESULT);
    };
  });
  const interaction = runbay.interact("e1");
  const text = "𝄞ä".repeat(10_000);
  interaction.resize(100, 30);
  interaction.input(text);
  interaction.input(Uint8Array.of(255, 0));
  interaction.eof();
  await collect(interaction);
  const inputs = received.filter(({ type, encoding }) => type === "stdin" && !encoding);
  assert.equal(inputs.map(({ data }) => data).join(""), text);
  assert.ok(inputs.length > 1 && inputs.every(({ data }) => data.length <= 8_192 && !/[\uD800-\uDBFF]$/.test(data)));
  assert.deepEqual(received[0], { type: "resize", cols: 100, rows: 30 });
  assert.deepEqual(received.slice(-2), [{ type: "stdin", data: "/wA=", encoding: "base64" }, { type: "eof" }]);
});

test("it goes on after a break, a slow moment and a restart", options, async () => {
  const peers = [];
  const { urls, runbay } = await fakeOf((peer, number) => {
    peers.push(peer);
    if (number === 1) peer.send({ type: "stdout", id: 4, data: "a" });
    if (number === 2) {
      peer.send({ type: "stdout", id: 6, data: "b" });
      peer.send({ type: "too_slow", message: "reconnect" });
      peer.close(4408);
    }
    if (number === 3) peer.close(1001);
    if (number === 4) {
      peer.send({ type: "reset", id: 7, attempt: 2 });
      // After what is told again.
      peer.onframe = ({ type }) => type === "eof" && peer.send(RESULT);
    }
  });
  const interaction = runbay.interact("e1", { lastEventId: 2 });
  const told = [];
  for await (const event of interaction) {
    told.push(event.id);
    if (event.id !== 4) continue;
    interaction.resize(80, 24);
    interaction.eof();
    peers[0].onframe = ({ type }) => type === "eof" && peers[0].break();
  }
  assert.deepEqual(told, [4, 6, 7, 9]);
  assert.deepEqual(
    urls.map((url) => url.split("=")[1]),
    ["2", "4", "6", "6"],
  );
  assert.deepEqual(peers[3].received, [{ type: "resize", cols: 80, rows: 24 }, { type: "eof" }]);
});

test("input that a break may have lost is in doubt, and what waits is sent once", options, async () => {
  const received = [];
  const { runbay } = await fakeOf((peer, number) => {
    if (number === 1) peer.onframe = () => peer.break();
    if (number > 1) {
      peer.onframe = ({ data }) => {
        received.push(data);
        if (data === "second") peer.send(RESULT);
      };
    }
  });
  const interaction = runbay.interact("e1");
  interaction.input("first");
  const told = [];
  for await (const event of interaction) {
    told.push(event.type);
    if (event.type === "input_in_doubt") interaction.input("second");
  }
  assert.deepEqual(told, ["input_in_doubt", "result"]);
  assert.deepEqual(received, ["second"]);
});

test("a bad frame is an error, and not tried again", options, async () => {
  const { urls, runbay } = await fakeOf((peer) => peer.close(4400));
  await assert.rejects(collect(runbay.interact("e1")), (error) => {
    assert.ok(error instanceof InteractionClosedError);
    return error.closeCode === 4400;
  });
  assert.equal(urls.length, 1);
});

test("an unknown execution is the error that reading it gives", options, async () => {
  const missing = (_, response) => problem(response, 404, "execution_not_found");
  const { runbay } = await fakeOf((peer) => peer.close(4404), missing);
  await assert.rejects(collect(runbay.interact("e1")), NotFoundError);
  // As a server without the upgrade answers.
  const fake = await startFake(missing);
  fakes.push(fake);
  await assert.rejects(collect(new Runbay({ baseUrl: fake.baseUrl }).interact("e1")), NotFoundError);
});

test("connections without progress are bounded", options, async () => {
  const { urls, runbay } = await fakeOf((peer) => {
    peer.send({ type: "stdout", id: 1, data: "again" });
    peer.close(1011);
  });
  await assert.rejects(collect(runbay.interact("e1", { maxFailures: 2 })), ConnectionFailedError);
  assert.equal(urls.length, 3);
});

test("it can be closed and aborted", options, async () => {
  const { runbay } = await fakeOf((peer) => peer.send({ type: "stdout", id: 1, data: "a" }));
  const interaction = runbay.interact("e1");
  for await (const event of interaction) if (event.id === 1) interaction.close();
  assert.equal(interaction.input("x"), false);
  for await (const event of runbay.interact("e1")) if (event.id === 1) break;
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await assert.rejects(collect(runbay.interact("e1", { signal: abort.signal })), { name: "AbortError" });
});

test("another WebSocket can be given", async () => {
  const opened = [];
  const openWebSocket = (url, headers) => {
    opened.push([url, headers]);
    const socket = { onopen: null, onmessage: null, onclose: null, onerror: null, send() {}, close() {} };
    setTimeout(() => {
      socket.onopen({});
      socket.onmessage({ data: JSON.stringify(RESULT) });
    });
    return socket;
  };
  const runbay = new Runbay({ baseUrl: "https://code.example/api", apiKey: "secret", openWebSocket });
  assert.equal((await collect(runbay.interact("e1"))).length, 1);
  assert.deepEqual(opened, [["wss://code.example/api/executions/e1/ws", { authorization: "Bearer secret" }]]);
});
