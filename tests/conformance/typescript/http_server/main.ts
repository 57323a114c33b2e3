import http, { type RequestListener } from "node:http";
import { AddressInfo } from "node:net";

const answer: RequestListener = (request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).end(`${request.method} ${request.url}`);
};
const server = http.createServer(answer).listen(0, "127.0.0.1", async () => {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/x`);
    console.log(await response.text());
    server.close();
});
