const key: CryptoKey = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"]);
const source: BufferSource = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const module = new WebAssembly.Module(source);
const clock: Performance = performance;
console.log(key.type, new WebAssembly.Instance(module).exports, clock.now() > 0, typeof SubtleCrypto, typeof Crypto);
