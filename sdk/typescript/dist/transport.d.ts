import { type Resending } from "./retry.js";
/** How a client reaches its server. */
export interface TransportOptions {
    baseUrl: string;
    apiKey: string | undefined;
    timeoutMs: number;
    retries: number;
    fetch: typeof fetch;
}
/** A request. */
export interface Call {
    method: "GET" | "POST" | "PATCH" | "DELETE";
    path: string;
    query?: Record<string, string | number | boolean | undefined> | undefined;
    headers?: Record<string, string> | undefined;
    body?: object | undefined;
    resending: Resending;
    /** How long the server may keep the answer back, on top of the time limit of requests. */
    waitMs?: number | undefined;
    /** The moment (`Date.now`) after which it is not sent again. */
    deadline?: number | undefined;
    signal?: AbortSignal | undefined;
}
/** An answer and the connection that it still arrives on. */
export interface OpenAnswer {
    response: Response;
    /** Ends the connection, with the error that readers of the body get. */
    abort(reason: unknown): void;
    /** Must be called at the end. */
    release(): void;
}
export declare class Transport {
    private readonly options;
    constructor(options: TransportOptions);
    /** Sends a request, again where that is right, and returns the JSON of the answer. */
    request<Answer>(call: Call): Promise<Answer>;
    /** Sends a request once and returns when the head of the answer is there; throws if it is not a success. */
    open(call: Call): Promise<OpenAnswer>;
    /** Returns the address of a path, with what is asked of it. */
    url(path: string, query?: Call["query"]): URL;
    /** Returns the headers that say who asks. */
    credentials(): Record<string, string>;
    private attempt;
    private send;
    private timeLimit;
}
