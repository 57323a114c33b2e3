// The client: one method for each thing that a server does.
import { WaitTimeoutError } from "./errors.js";
import { Interaction } from "./interaction.js";
import { sleep } from "./retry.js";
import { streamEvents } from "./stream.js";
import { Transport } from "./transport.js";
import * as types from "./types.js";
import { openPlatformWebSocket } from "./websocket.js";
/** The longest time that one request waits; proxies cut connections that are silent for a minute. */
const LONGEST_POLL_MS = 20_000;
/** A client of one server. */
export class Runbay {
    transport;
    openWebSocket;
    constructor(options = {}) {
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
    languages(options = {}) {
        return this.read("/languages", {}, options);
    }
    /** Opens a session. */
    createSession(session = {}, options = {}) {
        return this.create("/code-sessions", session, options);
    }
    /** Reads a session with its code. */
    readSession(sessionId, options = {}) {
        return this.read(sessionPath(sessionId), {}, options);
    }
    /** Lists sessions; only for programs on the server's own machine. */
    listSessions({ limit, cursor, ...options } = {}) {
        return this.read("/code-sessions", { limit, cursor }, options);
    }
    /** Saves. With a `version` that is not the present one: `VersionConflictError`. */
    saveSession(sessionId, save, options = {}) {
        const path = sessionPath(sessionId);
        return this.transport.request({ method: "PATCH", path, body: save, resending: "repeats", ...options });
    }
    /** Closes a session; what runs is cancelled. With `erase` nothing of it is left. */
    closeSession(sessionId, { erase, ...options } = {}) {
        const path = sessionPath(sessionId);
        return this.transport.request({ method: "DELETE", path, query: { erase }, resending: "repeats", ...options });
    }
    /** Checks code without running or saving it: that of the session, or what is given in its place. */
    check(sessionId, check = {}, options = {}) {
        const path = `${sessionPath(sessionId)}/check`;
        return this.transport.request({ method: "POST", path, body: check, resending: "harmless", ...options });
    }
    /** Runs a session. While another execution of it has not ended: `ActiveExecutionError`. */
    run(sessionId, run = {}, options = {}) {
        return this.create(`${sessionPath(sessionId)}/run`, run, options);
    }
    /** Runs a program without a session. */
    createExecution(execution, options = {}) {
        return this.create("/executions", execution, options);
    }
    /** Runs up to 100 programs; a problem stands in place of each that is refused. */
    async createExecutions(executions, options = {}) {
        const answer = await this.transport.request({
            method: "POST",
            path: "/executions/batch",
            body: { executions },
            resending: "repeats",
            ...options,
        });
        return answer.executions;
    }
    /** Reads an execution as it is now. */
    readExecution(executionId, { encoding, include, ...options } = {}) {
        return this.read(executionPath(executionId), { encoding, include }, options);
    }
    /** Reads up to 100 executions in this order; a problem stands in place of each that is not there. */
    async readExecutions(executionIds, { encoding, include, ...options } = {}) {
        const query = { ids: executionIds.join(","), encoding, include };
        const answer = await this.read("/executions", query, options);
        return answer.executions;
    }
    /** Lists the executions of a session. */
    listExecutions(sessionId, { limit, cursor, ...options } = {}) {
        return this.read(`${sessionPath(sessionId)}/executions`, { limit, cursor }, options);
    }
    /** Waits for the end of an execution. When it takes longer: `WaitTimeoutError`. */
    async wait(executionId, options = {}) {
        const { encoding, include, timeoutMs = 60_000, signal } = options;
        const deadline = Date.now() + timeoutMs;
        for (;;) {
            const asked = Date.now();
            const waitMs = Math.min(Math.max(deadline - asked, 0), LONGEST_POLL_MS);
            const query = { wait_ms: waitMs, encoding, include };
            const execution = await this.read(executionPath(executionId), query, {
                waitMs,
                deadline,
                signal,
            });
            if (types.hasEnded(execution))
                return execution;
            const now = Date.now();
            if (now >= deadline)
                throw new WaitTimeoutError(execution);
            // A server that is about to stop does not wait; it is not asked without a pause.
            if (now - asked < waitMs / 2)
                await sleep(Math.min(250, deadline - now), signal);
        }
    }
    /** Tells what happens to an execution, from its beginning to its result, also after its end. */
    stream(executionId, options = {}) {
        return streamEvents(this.transport, executionId, options);
    }
    /** Talks with a program that was run with `interactive`, `repl` or `tty`. */
    interact(executionId, options = {}) {
        const path = executionPath(executionId);
        const openWebSocket = (lastEventId) => {
            const url = this.transport.url(`${path}/ws`, { encoding: options.encoding, last_event_id: lastEventId });
            url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
            return this.openWebSocket(url.href, this.transport.credentials());
        };
        const verify = async () => void (await this.read(path, {}, { signal: options.signal }));
        return new Interaction({ openWebSocket, verify }, options);
    }
    /** Cancels an execution, or sends its program a signal such as `SIGINT`. */
    cancel(executionId, { signalName, ...options } = {}) {
        const path = executionPath(executionId);
        const query = { signal: signalName };
        return this.transport.request({ method: "DELETE", path, query, resending: "repeats", ...options });
    }
    /** Removes an execution and its output, whether it has ended or not. */
    async eraseExecution(executionId, options = {}) {
        const path = executionPath(executionId);
        await this.transport.request({ method: "DELETE", path, query: { erase: true }, resending: "repeats", ...options });
    }
    read(path, query, options) {
        return this.transport.request({ method: "GET", path, query, resending: "harmless", ...options });
    }
    create(path, body, { idempotencyKey, ...options }) {
        const headers = { "idempotency-key": idempotencyKey ?? newKey() };
        return this.transport.request({ method: "POST", path, body, headers, resending: "harmless", ...options });
    }
}
function sessionPath(sessionId) {
    return `/code-sessions/${encodeURIComponent(sessionId)}`;
}
function executionPath(executionId) {
    return `/executions/${encodeURIComponent(executionId)}`;
}
// Not `randomUUID`, which pages without TLS do not have. In node 18 `crypto` is not global; keys need not be secret.
function newKey() {
    const bytes = new Uint8Array(16);
    if (globalThis.crypto !== undefined)
        globalThis.crypto.getRandomValues(bytes);
    else
        bytes.forEach((_, at) => (bytes[at] = Math.floor(Math.random() * 256)));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
