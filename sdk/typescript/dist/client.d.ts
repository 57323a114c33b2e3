import type { ExecutionEvent } from "./events.js";
import { Interaction, type InteractOptions } from "./interaction.js";
import { type StreamOptions } from "./stream.js";
import * as types from "./types.js";
import { type OpenWebSocket } from "./websocket.js";
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
/** A client of one server. */
export declare class Runbay {
    private readonly transport;
    private readonly openWebSocket;
    constructor(options?: RunbayOptions);
    /** Tells what can be run. */
    languages(options?: CallOptions): Promise<types.Languages>;
    /** Opens a session. */
    createSession(session?: types.CreateSession, options?: CreateOptions): Promise<types.Session>;
    /** Reads a session with its code. */
    readSession(sessionId: string, options?: CallOptions): Promise<types.Session>;
    /** Lists sessions; only for programs on the server's own machine. */
    listSessions({ limit, cursor, ...options }?: PageOptions): Promise<types.SessionPage>;
    /** Saves. With a `version` that is not the present one: `VersionConflictError`. */
    saveSession(sessionId: string, save: types.SaveSession, options?: CallOptions): Promise<types.SavedSession>;
    /** Closes a session; what runs is cancelled. With `erase` nothing of it is left. */
    closeSession(sessionId: string, { erase, ...options }?: CallOptions & {
        erase?: boolean;
    }): Promise<types.ClosedSession>;
    /** Checks code without running or saving it: that of the session, or what is given in its place. */
    check(sessionId: string, check?: types.CheckSession, options?: CallOptions): Promise<types.CheckReport>;
    /** Runs a session. While another execution of it has not ended: `ActiveExecutionError`. */
    run(sessionId: string, run?: types.RunSession, options?: CreateOptions): Promise<types.AcceptedExecution>;
    /** Runs a program without a session. */
    createExecution(execution: types.CreateExecution, options?: CreateOptions): Promise<types.AcceptedExecution>;
    /** Runs up to 100 programs; a problem stands in place of each that is refused. */
    createExecutions(executions: types.CreateExecution[], options?: CallOptions): Promise<(types.AcceptedExecution | types.Problem)[]>;
    /** Reads an execution as it is now. */
    readExecution(executionId: string, { encoding, include, ...options }?: ReadOptions): Promise<types.Execution>;
    /** Reads up to 100 executions in this order; a problem stands in place of each that is not there. */
    readExecutions(executionIds: string[], { encoding, include, ...options }?: ReadOptions): Promise<(types.Execution | types.Problem)[]>;
    /** Lists the executions of a session. */
    listExecutions(sessionId: string, { limit, cursor, ...options }?: PageOptions): Promise<types.ExecutionPage>;
    /** Waits for the end of an execution. When it takes longer: `WaitTimeoutError`. */
    wait(executionId: string, options?: WaitOptions): Promise<types.EndedExecution>;
    /** Tells what happens to an execution, from its beginning to its result, also after its end. */
    stream(executionId: string, options?: StreamOptions): AsyncGenerator<ExecutionEvent, void, undefined>;
    /** Talks with a program that was run with `interactive`, `repl` or `tty`. */
    interact(executionId: string, options?: InteractOptions): Interaction;
    /** Cancels an execution, or sends its program a signal such as `SIGINT`. */
    cancel(executionId: string, { signalName, ...options }?: CallOptions & {
        signalName?: string;
    }): Promise<types.AcceptedExecution>;
    /** Removes an execution and its output, whether it has ended or not. */
    eraseExecution(executionId: string, options?: CallOptions): Promise<void>;
    private read;
    private create;
}
