import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  ActiveExecutionError,
  ApiError,
  ConnectionFailedError,
  NotFoundError,
  Runbay,
  VersionConflictError,
  WaitTimeoutError,
} from "../dist/index.js";
import { json, problem, startFake } from "./fake_server.mjs";

const fakes = [];
after(() => Promise.all(fakes.map((fake) => fake.stop())));

async function fakeOf(answer, options) {
  const fake = await startFake(answer);
  fakes.push(fake);
  return { fake, runbay: new Runbay({ baseUrl: fake.baseUrl, ...options }) };
}

test("what creates is sent again under the same key, when the server asks for it or the connection breaks", async () => {
  const { fake, runbay } = await fakeOf((request, response, number) => {
    const turn = (number - 1) % 4;
    if (turn === 0) return response.destroy();
    if (turn === 1) return problem(response, 503, "timeout", { "retry-after": "0" });
    if (turn === 2) return problem(response, 429, "rate_limited", { "retry-after": number === 3 ? "1" : "0" });
    json(response, 202, { execution_id: "e1", status: "QUEUED" });
  });
  const start = Date.now();
  await runbay.run("s1", { stdin: "x", interactive: true });
  assert.ok(Date.now() - start >= 1_000);
  await runbay.createExecution({ source_code: "1" });
  await runbay.createSession({}, { idempotencyKey: "mine" });
  const keys = fake.requests.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(keys.length, 12);
  for (const first of [0, 4, 8]) assert.equal(new Set(keys.slice(first, first + 4)).size, 1);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[8], "mine");
  assert.deepEqual(JSON.parse(fake.requests[3].body), { stdin: "x", interactive: true });
});

test("other writes are sent again only if they had no effect for certain", async () => {
  let code = "overloaded";
  const { fake, runbay } = await fakeOf((_, response) => {
    if (code === "break") return response.destroy();
    problem(response, 503, code, { "retry-after": "0" });
    if (code === "overloaded") code = "timeout";
  });
  await assert.rejects(runbay.saveSession("s1", { source_code: "x", version: 1 }), { code: "timeout" });
  assert.equal(fake.requests.length, 2);
  code = "break";
  await assert.rejects(runbay.saveSession("s1", { source_code: "x" }), ConnectionFailedError);
  await assert.rejects(runbay.cancel("e1", { signalName: "SIGINT" }), ConnectionFailedError);
  await assert.rejects(runbay.createExecutions([{ source_code: "x" }]), ConnectionFailedError);
  assert.equal(fake.requests.length, 5);
  assert.equal(fake.requests[3].url, "/executions/e1?signal=SIGINT");
  for (const { headers } of fake.requests) assert.equal(headers["idempotency-key"], undefined);
});

test("retries are bounded, and a server that asks for too much patience is not asked again", async () => {
  let after = "0";
  const { fake, runbay } = await fakeOf((_, response) => problem(response, 503, "queue_full", { "retry-after": after }), {
    retries: 2,
  });
  await assert.rejects(runbay.run("s1"), { status: 503, retryAfterMs: 0 });
  assert.equal(fake.requests.length, 3);
  after = "31";
  await assert.rejects(runbay.run("s1"), { status: 503, retryAfterMs: 31_000 });
  assert.equal(fake.requests.length, 4);
});

test("errors have classes, and carry the problem", async () => {
  const { runbay } = await fakeOf((request, response) => {
    if (request.method === "PATCH") {
      const errors = [{ field: "version", message: "the session is at version 4" }];
      return problem(response, 409, "version_conflict", {}, { details: ["version: 4"], errors });
    }
    if (request.method === "POST") return problem(response, 409, "active_execution", {}, { execution_id: "e9" });
    if (request.url.includes("gone")) return problem(response, 404, "session_not_found");
    response.writeHead(502, { "content-type": "text/html", "retry-after": "99" });
    response.end("<h1>Bad gateway</h1>");
  });
  const conflict = await runbay.saveSession("s1", { version: 3 }).catch((error) => error);
  assert.ok(conflict instanceof VersionConflictError && conflict instanceof ApiError);
  assert.equal(conflict.name, "VersionConflictError");
  assert.equal(conflict.message, "This is version_conflict (409 version_conflict): version: 4");
  assert.deepEqual(conflict.details, ["version: 4"]);
  assert.equal(conflict.errors[0].field, "version");
  assert.equal(conflict.requestId, "7e57");
  const active = await runbay.run("s1").catch((error) => error);
  assert.ok(active instanceof ActiveExecutionError);
  assert.equal(active.executionId, "e9");
  await assert.rejects(runbay.readSession("gone"), NotFoundError);
  await assert.rejects(runbay.readSession("s1"), { status: 502, code: "http_502", title: "Bad Gateway" });
});

test("waiting goes on until the end or its deadline", async () => {
  const { fake, runbay } = await fakeOf((request, response, number) => {
    const status = number === 3 ? "COMPLETED" : "RUNNING";
    json(response, 200, { execution_id: "e1", status });
  });
  const ended = await runbay.wait("e1", { timeoutMs: 5_000, include: "source" });
  assert.equal(ended.status, "COMPLETED");
  assert.equal(fake.requests.length, 3);
  assert.match(fake.requests[0].url, /^\/executions\/e1\?wait_ms=(5000|49\d\d)&include=source$/);
  const late = await runbay.wait("e1", { timeoutMs: 300 }).catch((error) => error);
  assert.ok(late instanceof WaitTimeoutError);
  assert.equal(late.execution.status, "RUNNING");
  assert.ok(fake.requests.length < 10, "a server that does not wait is not asked all the time");
});

test("waiting for a server that does not answer ends, too", async () => {
  const { runbay } = await fakeOf(() => {}, { timeoutMs: 100 });
  const start = Date.now();
  await assert.rejects(runbay.wait("e1", { timeoutMs: 300 }), ConnectionFailedError);
  assert.ok(Date.now() - start < 5_000);
});

test("an answer that takes too long, also in its middle, is given up", async () => {
  const { fake, runbay } = await fakeOf(
    (request, response) => {
      if (!request.url.includes("half")) return;
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"session');
    },
    { timeoutMs: 50, retries: 1 },
  );
  await assert.rejects(runbay.readSession("none"), { name: "ConnectionFailedError", message: "no answer within 50 ms" });
  await assert.rejects(runbay.readSession("half"), ConnectionFailedError);
  assert.equal(fake.requests.length, 4);
});

test("a request can be aborted, also between attempts", async () => {
  const { runbay } = await fakeOf((request, response) => {
    if (request.url.includes("busy")) problem(response, 503, "overloaded", { "retry-after": "20" });
  });
  for (const id of ["silent", "busy"]) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(runbay.readSession(id, { signal: abort.signal }), { name: "AbortError" });
  }
  await assert.rejects(runbay.readSession("s1", { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("pages, lists and prefixes are asked for as they are named", async () => {
  const { fake, runbay } = await fakeOf((_, response) => json(response, 200, { executions: [] }));
  const prefixed = new Runbay({ baseUrl: `${fake.baseUrl}/api/` });
  await prefixed.listSessions({ limit: 5, cursor: "a b" });
  await runbay.listExecutions("s1");
  assert.deepEqual(await runbay.readExecutions(["a", "b"], { encoding: "base64" }), []);
  await runbay.closeSession("s1", { erase: true });
  await runbay.eraseExecution("e1");
  assert.deepEqual(
    fake.requests.map(({ method, url }) => `${method} ${url}`),
    [
      "GET /api/code-sessions?limit=5&cursor=a+b",
      "GET /code-sessions/s1/executions",
      "GET /executions?ids=a%2Cb&encoding=base64",
      "DELETE /code-sessions/s1?erase=true",
      "DELETE /executions/e1?erase=true",
    ],
  );
});
