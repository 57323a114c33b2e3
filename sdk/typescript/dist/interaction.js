// A conversation with a running program over a WebSocket, across broken connections.
import { toBase64 } from "./base64.js";
import { InteractionClosedError, RunbayError } from "./errors.js";
import { eventOf } from "./events.js";
import { Reconnection } from "./reconnection.js";
import { mayPass } from "./retry.js";
import { connect } from "./websocket.js";
/** The server bounds frames, so longer input is sent in several. */
const INPUT_PIECE = 8_192;
/** Commands that may wait for a connection. */
const MAX_WAITING = 1_024;
/**
 * A running program's input and events. Iterate over it once for the events, `result` being the last.
 *
 * After a broken connection it goes on by itself. Events are never lost by that. Input that was on its way in that
 * moment can be, which an event `input_in_doubt` says.
 */
export class Interaction {
    host;
    options;
    reconnection;
    waiting = [];
    arrived = [];
    stop = new AbortController();
    connection;
    wake = () => { };
    ended = false;
    failure;
    inputWasSent = false;
    atEof = false;
    size;
    /** Use `interact` of the client. */
    constructor(host, options) {
        this.host = host;
        this.options = options;
        this.reconnection = new Reconnection(options.lastEventId, options.maxFailures);
        void this.follow();
    }
    /** Sends input; false if the program has ended. */
    input(data) {
        for (const command of typeof data === "string" ? textInput(data) : bytesInput(data)) {
            if (!this.send(command))
                return false;
        }
        return !this.ended;
    }
    /** Ends the input; false if the program has ended. */
    eof() {
        this.atEof = true;
        return this.send({ type: "eof" });
    }
    /** Sends a signal such as `SIGINT`; false if the program has ended. */
    signal(name) {
        return this.send({ type: "signal", name });
    }
    /** Tells the size of the terminal; false if the program has ended. */
    resize(cols, rows) {
        this.size = { type: "resize", cols, rows };
        return this.send(this.size);
    }
    /** Leaves the program alone; it goes on. */
    close() {
        this.finish(undefined);
    }
    async *[Symbol.asyncIterator]() {
        try {
            for (;;) {
                const event = this.arrived.shift();
                if (event !== undefined)
                    yield event;
                else if (this.failure !== undefined)
                    throw this.failure;
                else if (this.ended)
                    return;
                else
                    await new Promise((resolve) => (this.wake = resolve));
            }
        }
        finally {
            this.close();
        }
    }
    send(command) {
        if (this.ended)
            return false;
        if (this.connection?.send(JSON.stringify(command))) {
            // The others are told again after a break.
            this.inputWasSent ||= command.type === "stdin" || command.type === "signal";
            return true;
        }
        if (this.waiting.length >= MAX_WAITING)
            throw new RunbayError("too much input waits for the connection");
        this.waiting.push(command);
        return true;
    }
    finish(failure) {
        if (this.ended)
            return;
        this.ended = true;
        this.failure = failure;
        this.stop.abort();
        this.connection?.close();
        this.wake();
    }
    async follow() {
        const { signal } = this.options;
        const abort = () => this.finish(signal?.reason);
        if (signal?.aborted)
            abort();
        signal?.addEventListener("abort", abort, { once: true });
        try {
            while (!this.ended) {
                const failure = await this.followOnce();
                if (!this.ended)
                    await this.reconnection.pause(failure, this.stop.signal);
            }
        }
        catch (error) {
            this.finish(error);
        }
        finally {
            signal?.removeEventListener("abort", abort);
        }
    }
    /** Follows one connection to its end and returns what ended it; throws if another would end like it. */
    async followOnce() {
        const socket = this.host.openWebSocket(this.reconnection.lastEventId);
        const connection = connect(socket, {
            opened: () => this.catchUp(),
            received: (frame) => this.received(frame),
        });
        this.connection = connection;
        const { code, reason, wasOpen } = await connection.closed;
        this.connection = undefined;
        if (this.ended)
            return undefined;
        const closed = new InteractionClosedError(code, reason);
        if (code === 4400 || code === 1009)
            throw closed;
        const isRefused = code === 4401 || code === 4404;
        // Browsers do not tell why a connection could not be opened.
        if (isRefused || !wasOpen)
            await this.verify();
        if (isRefused)
            throw closed;
        return closed;
    }
    async verify() {
        try {
            await this.host.verify();
        }
        catch (error) {
            if (!mayPass(error))
                throw error;
        }
    }
    catchUp() {
        if (this.inputWasSent)
            this.tell({ type: "input_in_doubt" });
        this.inputWasSent = false;
        const waiting = this.waiting.splice(0);
        // Both may have been lost with the connection before, and telling them twice changes nothing.
        if (this.size !== undefined && !waiting.includes(this.size))
            this.send(this.size);
        for (const command of waiting)
            this.send(command);
        if (this.atEof && !waiting.some(({ type }) => type === "eof"))
            this.send({ type: "eof" });
    }
    received(frame) {
        if (this.ended)
            return;
        let parsed;
        try {
            parsed = JSON.parse(frame);
        }
        catch (error) {
            return this.finish(new RunbayError("the server sent a frame that is not JSON", { cause: error }));
        }
        const { type, id, ...members } = parsed;
        if (type === "too_slow")
            return;
        this.reconnection.received(id);
        const event = eventOf(type, id, members);
        if (event === undefined)
            return;
        this.tell(event);
        if (event.type === "result")
            this.finish(undefined);
    }
    tell(event) {
        this.arrived.push(event);
        this.wake();
    }
}
function* textInput(text) {
    for (let start = 0; start < text.length;) {
        let end = Math.min(start + INPUT_PIECE, text.length);
        // Both halves of a surrogate pair go into one piece.
        if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1)))
            end -= 1;
        yield { type: "stdin", data: text.slice(start, end) };
        start = end;
    }
}
function* bytesInput(bytes) {
    for (let start = 0; start < bytes.length; start += INPUT_PIECE) {
        yield { type: "stdin", data: toBase64(bytes.subarray(start, start + INPUT_PIECE)), encoding: "base64" };
    }
}
