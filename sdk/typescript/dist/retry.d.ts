/**
 * What sending a request again can do: nothing more (`harmless`: reads, and writes under an idempotency key), or the
 * same once more (`repeats`: sent again only if the first one had no effect for certain).
 */
export type Resending = "harmless" | "repeats";
/** Returns how long to wait before sending a request again; `undefined` when it must not be. */
export declare function retryDelayMs(error: unknown, resending: Resending, failures: number): number | undefined;
/** Tells whether a failure to follow an execution may be gone at the next connection. */
export declare function mayPass(error: unknown): boolean;
/** Returns a random wait that grows with the number of failures in a row. */
export declare function backoffMs(failures: number): number;
/** Reads a `Retry-After`: seconds, or a date. */
export declare function parseRetryAfter(value: string | null): number | undefined;
/** Waits; throws the signal's reason when that is aborted meanwhile. */
export declare function sleep(ms: number, signal?: AbortSignal): Promise<void>;
