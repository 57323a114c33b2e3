// When and how soon to try again.
import { ApiError, ConnectionFailedError } from "./errors.js";
/** The longest wait for another attempt; a server that asks for more is not asked again. */
const LONGEST_WAIT_MS = 30_000;
/** A request that is refused with one of these had no effect. 503 `timeout` and `unavailable` do not promise that. */
const WITHOUT_EFFECT = new Set([
    "overloaded",
    "queue_full",
    "queue_unavailable",
    "checker_busy",
    "no_language",
    "not_ready",
]);
/** Returns how long to wait before sending a request again; `undefined` when it must not be. */
export function retryDelayMs(error, resending, failures) {
    if (error instanceof ConnectionFailedError)
        return resending === "harmless" ? backoffMs(failures) : undefined;
    if (!(error instanceof ApiError) || !isPassing(error, resending))
        return undefined;
    const delay = error.retryAfterMs ?? backoffMs(failures);
    return delay <= LONGEST_WAIT_MS ? delay : undefined;
}
/** Tells whether a failure to follow an execution may be gone at the next connection. */
export function mayPass(error) {
    if (error instanceof ApiError)
        return error.status === 429 || error.status >= 500;
    return error instanceof ConnectionFailedError;
}
/** Returns a random wait that grows with the number of failures in a row. */
export function backoffMs(failures) {
    return Math.min(100 * 2 ** failures, 5_000) * (0.5 + Math.random() / 2);
}
/** Reads a `Retry-After`: seconds, or a date. */
export function parseRetryAfter(value) {
    if (value === null || value.trim() === "")
        return undefined;
    const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
    return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
/** Waits; throws the signal's reason when that is aborted meanwhile. */
export function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        if (signal?.aborted)
            return reject(signal.reason);
        const abort = () => {
            clearTimeout(timer);
            reject(signal?.reason);
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", abort);
            resolve();
        }, ms);
        signal?.addEventListener("abort", abort, { once: true });
    });
}
function isPassing(error, resending) {
    if (error.status === 429)
        return true;
    if (resending === "harmless")
        return error.status === 502 || error.status === 503 || error.status === 504;
    return error.status === 503 && WITHOUT_EFFECT.has(error.code);
}
