/** Returns bytes in base64. */
export declare function toBase64(bytes: Uint8Array): string;
/** Returns the bytes of a text in base64. */
export declare function fromBase64(text: string): Uint8Array;
