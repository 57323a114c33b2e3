// What happens to an execution, as `stream` and `interact` tell it.
import { fromBase64 } from "./base64.js";
/** Returns the bytes of an output event. */
export function outputBytes(event) {
    return event.encoding === "base64" ? fromBase64(event.data) : new TextEncoder().encode(event.data);
}
/** Makes an event of its members on the wire; `undefined` for one that this version does not know. */
export function eventOf(type, id, members) {
    switch (type) {
        case "status":
        case "stdout":
        case "stderr":
        case "test":
        case "reset":
            return { ...members, type, id };
        case "result":
            return { type, id, execution: members };
        default:
            return undefined;
    }
}
