// Events of an execution over SSE, across broken connections.
import { ConnectionFailedError, RunbayError } from "./errors.js";
import { eventOf } from "./events.js";
import { Reconnection } from "./reconnection.js";
import { mayPass } from "./retry.js";
import { MessageParser } from "./sse.js";
/** The server writes a comment every 15 seconds, so a connection that is silent for so long is dead. */
const SILENCE_MS = 45_000;
/** Tells what happens to an execution, and connects again by itself, until its result. */
export async function* streamEvents(transport, executionId, options) {
    const reconnection = new Reconnection(options.lastEventId, options.maxFailures);
    for (;;) {
        let failure = "the stream ended before the result";
        try {
            for await (const message of openStream(transport, executionId, reconnection.lastEventId, options)) {
                if (message.type === "too_slow") {
                    failure = "the server found this client too slow";
                    break;
                }
                const id = Number(message.lastEventId);
                reconnection.received(id);
                const event = eventOf(message.type, id, JSON.parse(message.data));
                if (event !== undefined)
                    yield event;
                if (event?.type === "result")
                    return;
            }
        }
        catch (error) {
            if (!mayPass(error))
                throw error;
            failure = error;
        }
        await reconnection.pause(failure, options.signal);
    }
}
async function* openStream(transport, executionId, lastEventId, options) {
    const { response, abort, release } = await transport.open({
        method: "GET",
        path: `/executions/${encodeURIComponent(executionId)}/events`,
        query: { encoding: options.encoding },
        headers: {
            accept: "text/event-stream",
            ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
        },
        resending: "harmless",
        signal: options.signal,
    });
    try {
        const type = response.headers.get("content-type") ?? "";
        if (!type.startsWith("text/event-stream"))
            throw new RunbayError(`the answer is no stream of events but ${type}`);
        const parser = new MessageParser();
        for await (const piece of pieces(response, abort, options.signal))
            yield* parser.feed(piece);
    }
    finally {
        // For the case that the caller has had enough; without an effect when the body has ended.
        abort(new ConnectionFailedError("the stream was left"));
        release();
    }
}
async function* pieces(response, abort, signal) {
    const reader = response.body?.getReader();
    if (reader === undefined)
        return;
    const silent = new ConnectionFailedError(`nothing arrived for ${SILENCE_MS} ms`);
    for (;;) {
        const timer = setTimeout(() => abort(silent), SILENCE_MS);
        try {
            const { done, value } = await reader.read();
            if (done)
                return;
            yield value;
        }
        catch (error) {
            if (signal?.aborted)
                throw signal.reason;
            throw new ConnectionFailedError("the connection broke", { cause: error });
        }
        finally {
            clearTimeout(timer);
        }
    }
}
