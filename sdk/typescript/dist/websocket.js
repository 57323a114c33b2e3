// The part of a WebSocket that this package uses, in browsers, node and other implementations.
import { RunbayError } from "./errors.js";
/** The code of connections that ended without a frame that closes them (RFC 6455, section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** How long a connection may take to open. */
const OPENING_MS = 30_000;
/** Opens the WebSocket of the platform. */
export const openPlatformWebSocket = (url, headers) => {
    const { WebSocket } = globalThis;
    if (WebSocket === undefined) {
        throw new RunbayError("this platform has no WebSocket: give the option openWebSocket");
    }
    if (!isNode() || Object.keys(headers).length === 0)
        return new WebSocket(url);
    // Only node's takes headers, in the place of protocols.
    return new WebSocket(url, { headers });
};
/** Follows a WebSocket that was just opened. */
export function connect(socket, listener) {
    let state = "connecting";
    let wasOpen = false;
    let resolve;
    const closed = new Promise((resolveClosed) => (resolve = resolveClosed));
    const end = (code, reason) => {
        clearTimeout(timer);
        state = "closed";
        resolve({ code, reason: String(reason ?? ""), wasOpen });
    };
    const timer = setTimeout(() => {
        end(ABNORMAL_CLOSURE, "");
        socket.close();
    }, OPENING_MS);
    socket.onopen = () => {
        if (state === "closed")
            return;
        clearTimeout(timer);
        state = "open";
        wasOpen = true;
        listener.opened();
    };
    socket.onmessage = ({ data }) => {
        if (typeof data === "string")
            listener.received(data);
    };
    socket.onclose = ({ code, reason }) => end(code, reason);
    // `close` follows and says more; but not in node 20, when the connection could not be opened.
    socket.onerror = () => setTimeout(() => end(ABNORMAL_CLOSURE, ""), 100);
    return {
        closed,
        send(frame) {
            if (state !== "open")
                return false;
            socket.send(frame);
            return true;
        },
        close() {
            clearTimeout(timer);
            if (state !== "closed")
                socket.close(1000);
        },
    };
}
function isNode() {
    const { process, document } = globalThis;
    return Boolean(process?.versions?.node) && document === undefined;
}
