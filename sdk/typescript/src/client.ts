// The client: one method for each thing that a server does.

import { WaitTimeoutError } from "./errors.js";
import type { ExecutionEvent } from "./events.js";
import { Interaction, type InteractOptions } from "./interaction.js";
import { sleep } from "./retry.js";
import { streamEvents, type StreamOptions } from "./stream.js";
import { type Call, Transport } from "./transport.js";
import * as types from "./types.js";
import { type OpenWebSocket, openPlatformWebSocket } from "./websocket.js";

/** How to reach a server. All are optional. */
export interface RunbayOptions {
  /** `http://localhost:8080` without it; in pages it may be relative to theirs, such as `/api`. */
  baseUrl?: string;
  /** Sent as `Authorization: Bearer`. */
  apiKey?: string;
  /** How long the answer to a request may take; 30 seconds without it. Waiting is on top. */
  timeoutMs?: number;
  /** How often a request is sent again after a failure that may pass; 4 without it. */
  retries?: number;
  /** Another implementation of fetch than the platform's. */
  fetch?: typeof fetch;
  /** Another implementation of WebSocket than the platform's, which node has since version 22. */
  openWebSocket?: OpenWebSocket;
}

/** What every method takes. */
export interface CallOptions {
  signal?: AbortSignal;
}

/** What requests that create something take. */
export interface CreateOptions extends CallOptions {
  /** The same request under the same key takes effect once, within 24 hours. A new key is made without it. */
  idempotencyKey?: string;
}

/** How an execution is read. */
export interface ReadOptions extends CallOptions {
  encoding?: types.OutputEncoding;
  /** What to add to the answer. */
  include?: "source" | "log";
}

/** How an execution is waited for. */
export interface WaitOptions extends ReadOptions {
  /** How long, in all; a minute without it. */
  timeoutMs?: number;
}

/** Which page of a list. */
export interface PageOptions extends CallOptions {
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
}

/** The longest time that one request waits; proxies cut connections that are silent for a minute. */
const LONGEST_POLL_MS = 20_000;

/** A client of one server. */
export class Runbay {
  private readonly transport: Transport;
  private readonly openWebSocket: OpenWebSocket;

  constructor(options: RunbayOptions = {}) {
    this.transport = new Transport({
      baseUrl: options.baseUrl ?? "http://localhost:8080",
      apiKey: options.apiKey,
      timeoutMs: options.timeoutMs ?? 30_000,
      retries: options.retries ?? 4,
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    });
    this.openWebSocket = options.openWebSocket ?? openPlatformWebSocket;
  }

  /** Tells what can be run. */
  languages(options: CallOptions = {}): Promise<types.Languages> {
    return this.read("/languages", {}, options);
  }

  /** Opens a session. */
  createSession(session: types.CreateSession = {}, options: CreateOptions = {}): Promise<types.Session> {
    return this.create("/code-sessions", session, options);
  }

  /** Reads a session with its code. */
  readSession(sessionId: string, options: CallOptions = {}): Promise<types.Session> {
    return this.read(sessionPath(sessionId), {}, options);
  }

  /** Lists sessions; only for programs on the server's own machine. */
  listSessions({ limit, cursor, ...options }: PageOptions = {}): Promise<types.SessionPage> {
    return this.read("/code-sessions", { limit, cursor }, options);
  }

  /** Saves. With a `version` that is not the present one: `VersionConflictError`. */
  saveSession(sessionId: string, save: types.SaveSession, options: CallOptions = {}): Promise<types.SavedSession> {
    const path = sessionPath(sessionId);
    return this.transport.request({ method: "PATCH", path, body: save, resending: "repeats", ...options });
  }

  /** Closes a session; what runs is cancelled. With `erase` nothing of it is left. */
  closeSession(
    sessionId: string,
    { erase, ...options }: CallOptions & { erase?: boolean } = {},
  ): Promise<types.ClosedSession> {
    const path = sessionPath(sessionId);
    return this.transport.request({ method: "DELETE", path, query: { erase }, resending: "repeats", ...options });
  }

  /** Checks code without running or saving it: that of the session, or what is given in its place. */
  check(sessionId: string, check: types.CheckSession = {}, options: CallOptions = {}): Promise<types.CheckReport> {
    const path = `${sessionPath(sessionId)}/check`;
    return this.transport.request({ method: "POST", path, body: check, resending: "harmless", ...options });
  }

  /** Runs a session. While another execution of it has not ended: `ActiveExecutionError`. */
  run(
    sessionId: string,
    run: types.RunSession = {},
    options: CreateOptions = {},
  ): Promise<types.AcceptedExecution> {
    return this.create(`${sessionPath(sessionId)}/run`, run, options);
  }

  /** Runs a program without a session. */
  createExecution(
    execution: types.CreateExecution,
    options: CreateOptions = {},
  ): Promise<types.AcceptedExecution> {
    return this.create("/executions", execution, options);
  }

  /** Runs up to 100 programs; a problem stands in place of each that is refused. */
  async createExecutions(
    executions: types.CreateExecution[],
    options: CallOptions = {},
  ): Promise<(types.AcceptedExecution | types.Problem)[]> {
    const answer = await this.transport.request<{ executions: (types.AcceptedExecution | types.Problem)[] }>({
      method: "POST",
      path: "/executions/batch",
      body: { executions },
      resending: "repeats",
      ...options,
    });
    return answer.executions;
  }

  /** Reads an execution as it is now. */
  readExecution(
    executionId: string,
    { encoding, include, ...options }: ReadOptions = {},
  ): Promise<types.Execution> {
    return this.read(executionPath(executionId), { encoding, include }, options);
  }

  /** Reads up to 100 executions in this order; a problem stands in place of each that is not there. */
  async readExecutions(
    executionIds: string[],
    { encoding, include, ...options }: ReadOptions = {},
  ): Promise<(types.Execution | types.Problem)[]> {
    const query = { ids: executionIds.join(","), encoding, include };
    const answer = await this.read<{ executions: (types.Execution | types.Problem)[] }>("/executions", query, options);
    return answer.executions;
  }

  /** Lists the executions of a session. */
  listExecutions(sessionId: string, { limit, cursor, ...options }: PageOptions = {}): Promise<types.ExecutionPage> {
    return this.read(`${sessionPath(sessionId)}/executions`, { limit, cursor }, options);
  }

  /** Waits for the end of an execution. When it takes longer: `WaitTimeoutError`. */
  async wait(executionId: string, options: WaitOptions = {}): Promise<types.EndedExecution> {
    const { encoding, include, timeoutMs = 60_000, signal } = options;
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const asked = Date.now();
      const waitMs = Math.min(Math.max(deadline - asked, 0), LONGEST_POLL_MS);
      const query = { wait_ms: waitMs, encoding, include };
      const execution = await this.read<types.Execution>(executionPath(executionId), query, {
        waitMs,
        deadline,
        signal,
      });
      if (types.hasEnded(execution)) return execution;
      const now = Date.now();
      if (now >= deadline) throw new WaitTimeoutError(execution);
      // A server that is about to stop does not wait; it is not asked without a pause.
      if (now - asked < waitMs / 2) await sleep(Math.min(250, deadline - now), signal);
    }
  }

  /** Tells what happens to an execution, from its beginning to its result, also after its end. */
  stream(executionId: string, options: StreamOptions = {}): AsyncGenerator<ExecutionEvent, void, undefined> {
    return streamEvents(this.transport, executionId, options);
  }

  /** Talks with a program that was run with `interactive`, `repl` or `tty`. */
  interact(executionId: string, options: InteractOptions = {}): Interaction {
    const path = executionPath(executionId);
    const openWebSocket = (lastEventId: number | undefined) => {
      const url = this.transport.url(`${path}/ws`, { encoding: options.encoding, last_event_id: lastEventId });
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return this.openWebSocket(url.href, this.transport.credentials());
    };
    const verify = async () => void (await this.read(path, {}, { signal: options.signal }));
    return new Interaction({ openWebSocket, verify }, options);
  }

  /** Cancels an execution, or sends its program a signal such as `SIGINT`. */
  cancel(
    executionId: string,
    { signalName, ...options }: CallOptions & { signalName?: string } = {},
  ): Promise<types.AcceptedExecution> {
    const path = executionPath(executionId);
    const query = { signal: signalName };
    return this.transport.request({ method: "DELETE", path, query, resending: "repeats", ...options });
  }

  /** Removes an execution and its output, whether it has ended or not. */
  async eraseExecution(executionId: string, options: CallOptions = {}): Promise<void> {
    const path = executionPath(executionId);
    await this.transport.request({ method: "DELETE", path, query: { erase: true }, resending: "repeats", ...options });
  }

  private read<Answer>(path: string, query: Call["query"], options: Partial<Call>): Promise<Answer> {
    return this.transport.request({ method: "GET", path, query, resending: "harmless", ...options });
  }

  private create<Answer>(path: string, body: object, { idempotencyKey, ...options }: CreateOptions): Promise<Answer> {
    const headers = { "idempotency-key": idempotencyKey ?? newKey() };
    return this.transport.request({ method: "POST", path, body, headers, resending: "harmless", ...options });
  }
}

function sessionPath(sessionId: string): string {
  return `/code-sessions/${encodeURIComponent(sessionId)}`;
}

function executionPath(executionId: string): string {
  return `/executions/${encodeURIComponent(executionId)}`;
}

// Not `randomUUID`, which pages without TLS do not have. In node 18 `crypto` is not global; keys need not be secret.
function newKey(): string {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto !== undefined) globalThis.crypto.getRandomValues(bytes);
  else bytes.forEach((_, at) => (bytes[at] = Math.floor(Math.random() * 256)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
