import { type ExecutionEvent } from "./events.js";
import type { Transport } from "./transport.js";
import type { OutputEncoding } from "./types.js";
/** How to stream. */
export interface StreamOptions {
    /** `base64` for exact bytes. */
    encoding?: OutputEncoding;
    /** The id of the last event that is known already; what came after it is told. */
    lastEventId?: number;
    /** How many connections in a row may break without a new event; 10 without it. */
    maxFailures?: number;
    signal?: AbortSignal;
}
/** Tells what happens to an execution, and connects again by itself, until its result. */
export declare function streamEvents(transport: Transport, executionId: string, options: StreamOptions): AsyncGenerator<ExecutionEvent, void, undefined>;
