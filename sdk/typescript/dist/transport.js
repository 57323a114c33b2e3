// Requests and their answers, with time limits and retries.
import { apiError, ConnectionFailedError, RunbayError } from "./errors.js";
import { parseRetryAfter, retryDelayMs, sleep } from "./retry.js";
/** What time a request has beyond the end of its caller's wait, for the way there and back. */
const GRACE_MS = 2_000;
export class Transport {
    options;
    constructor(options) {
        this.options = options;
    }
    /** Sends a request, again where that is right, and returns the JSON of the answer. */
    async request(call) {
        for (let failures = 0;; failures += 1) {
            try {
                return await this.attempt(call);
            }
            catch (error) {
                const delay = failures < this.options.retries ? retryDelayMs(error, call.resending, failures) : undefined;
                if (delay === undefined || Date.now() + delay > (call.deadline ?? Infinity))
                    throw error;
                await sleep(delay, call.signal);
            }
        }
    }
    /** Sends a request once and returns when the head of the answer is there; throws if it is not a success. */
    async open(call) {
        const abort = new AbortController();
        const followCaller = () => abort.abort(call.signal?.reason);
        if (call.signal?.aborted)
            followCaller();
        call.signal?.addEventListener("abort", followCaller, { once: true });
        const release = () => call.signal?.removeEventListener("abort", followCaller);
        const limit = this.timeLimit(call);
        const timer = setTimeout(() => abort.abort(new ConnectionFailedError(`no answer within ${limit} ms`)), limit);
        try {
            const response = await this.send(call, abort.signal);
            if (!response.ok)
                throw await problemOf(response);
            return { response, abort: (reason) => abort.abort(reason), release };
        }
        catch (error) {
            release();
            throw connectionError(error, abort.signal);
        }
        finally {
            clearTimeout(timer);
        }
    }
    /** Returns the address of a path, with what is asked of it. */
    url(path, query = {}) {
        const url = new URL(this.options.baseUrl.replace(/\/+$/, "") + path, globalThis.location?.href);
        for (const [name, value] of Object.entries(query)) {
            if (value !== undefined)
                url.searchParams.set(name, String(value));
        }
        return url;
    }
    /** Returns the headers that say who asks. */
    credentials() {
        return this.options.apiKey === undefined ? {} : { authorization: `Bearer ${this.options.apiKey}` };
    }
    async attempt(call) {
        const limit = this.timeLimit(call);
        const { response, abort, release } = await this.open(call);
        const late = new ConnectionFailedError(`the answer was not complete within ${limit} ms`);
        const timer = setTimeout(() => abort(late), limit);
        try {
            const text = await response.text();
            return (text === "" ? undefined : JSON.parse(text));
        }
        catch (error) {
            if (call.signal?.aborted)
                throw call.signal.reason;
            if (error instanceof SyntaxError)
                throw new RunbayError("the answer is not JSON", { cause: error });
            throw new ConnectionFailedError("the connection broke during the answer", { cause: error });
        }
        finally {
            clearTimeout(timer);
            release();
        }
    }
    send(call, signal) {
        // Browsers refuse a fetch that is called as a method of something else.
        const { fetch } = this.options;
        return fetch(this.url(call.path, call.query), {
            method: call.method,
            headers: {
                accept: "application/json",
                ...(call.body === undefined ? {} : { "content-type": "application/json" }),
                ...this.credentials(),
                ...call.headers,
            },
            body: call.body === undefined ? null : JSON.stringify(call.body),
            cache: "no-store",
            signal,
        });
    }
    timeLimit(call) {
        const limit = this.options.timeoutMs + (call.waitMs ?? 0);
        if (call.deadline === undefined)
            return limit;
        return Math.min(limit, Math.max(call.deadline - Date.now(), 0) + GRACE_MS);
    }
}
function connectionError(error, signal) {
    if (error instanceof RunbayError)
        return error;
    if (signal.aborted)
        return signal.reason;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const told = cause instanceof Error && cause.message ? `: ${cause.message}` : "";
    return new ConnectionFailedError(`the server cannot be reached${told}`, { cause: error });
}
async function problemOf(response) {
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"));
    const found = problemIn(await response.text());
    const title = found?.title ?? (response.statusText || "The request failed");
    const problem = {
        type: "about:blank",
        code: `http_${response.status}`,
        error: title,
        details: [],
        errors: [],
        request_id: response.headers.get("x-request-id") ?? "",
        ...found,
        title,
        status: response.status,
    };
    return apiError(problem, retryAfterMs);
}
// What else there may be is not from the server itself, such as a proxy's page.
function problemIn(text) {
    try {
        const found = JSON.parse(text);
        const isProblem = typeof found === "object" && found !== null && "code" in found && "title" in found;
        return isProblem ? found : undefined;
    }
    catch {
        return undefined;
    }
}
