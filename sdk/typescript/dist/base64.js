// base64 in browsers and in node, without what only one of them has.
/** Returns bytes in base64. */
export function toBase64(bytes) {
    let binary = "";
    for (const byte of bytes)
        binary += String.fromCharCode(byte);
    return btoa(binary);
}
/** Returns the bytes of a text in base64. */
export function fromBase64(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
