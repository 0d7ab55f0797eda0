// A little reverse proxy that shows one server under a path, and nothing else.
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Proxy {
  /** Where the server is shown, ending in a slash. */
  url: string;
  /** What was asked for outside of the path. */
  strays: string[];
  stop: () => Promise<void>;
}

/** `strips`: the server is asked without the path, as most proxies are set up; else as the browser asked. */
export async function startProxy(target: string, path: string, strips: boolean): Promise<Proxy> {
  const strays: string[] = [];
  const server = createServer((asked, answer) => {
    const url = asked.url ?? "/";
    if (!url.startsWith(`${path}/`)) {
      strays.push(url);
      answer.writeHead(404).end("there is nothing but the path");
      return;
    }
    const forwarded = strips ? url.slice(path.length) : url;
    const passed = request(new URL(forwarded, target), { method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${path}/`, strays, stop: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
