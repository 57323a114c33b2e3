// The part of a WebSocket that this package uses, in browsers, node and other implementations.
import { RunbayError } from "./errors.js";
/** The code of connections that ended without a frame that closes them (RFC 6455, section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** Opens the WebSocket of the platform. */
export const openPlatformWebSocket = (url, headers) => {
    const { WebSocket } = globalThis;
    if (WebSocket === undefined) {
        throw new RunbayError("this platform has no WebSocket: give the option openWebSocket");
    }
    const isNode = "process" in globalThis && !("document" in globalThis);
    // Only node's takes headers, in the place of protocols.
    return isNode ? new WebSocket(url, { headers }) : new WebSocket(url);
};
/** Follows a WebSocket that was just opened. */
export function connect(socket, listener) {
    let state = "connecting";
    let wasOpen = false;
    const closed = new Promise((resolve) => {
        const end = (code, reason) => {
            state = "closed";
            resolve({ code, reason: String(reason ?? ""), wasOpen });
        };
        socket.onclose = ({ code, reason }) => end(code, reason);
        // `close` follows and says more; but not in node 20, when the connection could not be opened.
        socket.onerror = () => setTimeout(() => end(ABNORMAL_CLOSURE, ""), 100);
    });
    socket.onopen = () => {
        state = "open";
        wasOpen = true;
        listener.opened();
    };
    socket.onmessage = ({ data }) => {
        if (typeof data === "string")
            listener.received(data);
    };
    return {
        closed,
        send(frame) {
            if (state !== "open")
                return false;
            socket.send(frame);
            return true;
        },
        close() {
            if (state !== "closed")
                socket.close(1000);
        },
    };
}
