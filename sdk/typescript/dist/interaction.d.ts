import { type InteractionEvent } from "./events.js";
import type { OutputEncoding } from "./types.js";
import { type WebSocketLike } from "./websocket.js";
/** How to interact. */
export interface InteractOptions {
    /** `base64` for exact bytes. */
    encoding?: OutputEncoding;
    /** The id of the last event that is known already; what came after it is told. */
    lastEventId?: number;
    /** How many connections in a row may break without a new event; 10 without it. */
    maxFailures?: number;
    signal?: AbortSignal;
}
/** What an interaction needs of its client. */
export interface InteractionHost {
    openWebSocket(lastEventId: number | undefined): WebSocketLike;
    /** Throws the reason why the execution cannot be followed, if the server has one. */
    verify(): Promise<void>;
}
/**
 * A running program's input and events. Iterate over it once for the events, `result` being the last.
 *
 * After a broken connection it goes on by itself. Events are never lost by that. Input that was on its way in that
 * moment can be, which an event `input_in_doubt` says.
 */
export declare class Interaction implements AsyncIterable<InteractionEvent> {
    private readonly host;
    private readonly options;
    private readonly reconnection;
    private readonly waiting;
    private readonly arrived;
    private readonly stop;
    private connection;
    private wake;
    private ended;
    private failure;
    private inputWasSent;
    private atEof;
    private size;
    /** Use `interact` of the client. */
    constructor(host: InteractionHost, options: InteractOptions);
    /** Sends input; false if the program has ended. */
    input(data: string | Uint8Array): boolean;
    /** Ends the input; false if the program has ended. */
    eof(): boolean;
    /** Sends a signal such as `SIGINT`; false if the program has ended. */
    signal(name: string): boolean;
    /** Tells the size of the terminal; false if the program has ended. */
    resize(cols: number, rows: number): boolean;
    /** Leaves the program alone; it goes on. */
    close(): void;
    [Symbol.asyncIterator](): AsyncGenerator<InteractionEvent, void, undefined>;
    private send;
    private finish;
    private follow;
    /** Follows one connection to its end and returns what ended it; throws if another would end like it. */
    private followOnce;
    private verify;
    private catchUp;
    private received;
    private tell;
}
