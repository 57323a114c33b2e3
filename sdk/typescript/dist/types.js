// What requests and answers hold. Members are named as on the wire, and described in `/openapi.json` of a server.
/** Tells whether an execution has ended. */
export function hasEnded(execution) {
    return execution.status !== "QUEUED" && execution.status !== "RUNNING";
}
/** Tells a problem from what may be in its place in a batch or list. */
export function isProblem(item) {
    return "code" in item;
}
