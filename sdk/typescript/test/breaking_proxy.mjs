// A way to a server on which every connection breaks after some bytes of the answer.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts it; each connection lives for `step` bytes more than the one before. */
export async function startBreakingProxy(baseUrl, step) {
  const target = new URL(baseUrl);
  const sockets = new Set();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    let left = step * connections;
    const upstream = connect(Number(target.port), target.hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.pipe(upstream);
    upstream.on("data", (piece) => {
      client.write(piece.subarray(0, left));
      left -= piece.length;
      // Once what was written is on its way.
      if (left <= 0) client.end(end);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${server.address().port}`,
    connections: () => connections,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
