// Serves a folder on loopback with the right types. Usage: node serve.mjs [folder] [port]; prints the address.
import { createServer } from "node:http";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { extname, join, normalize, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".yaml": "text/yaml; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
};

/** Starts the server on the first free port from `port`; 0 takes any; `gzip` as hosts on the network do. Resolves to `{ url, close }`. */
export function serve(folder, port, { gzip = false } = {}) {
  const root = resolve(folder);
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname)).replace(/^(\.\.[/\\])+/, "");
    let file = join(root, path);
    try {
      if (statSync(file).isDirectory()) file = join(file, "index.html");
      const { size } = statSync(file);
      const hashed = /-[0-9a-f]{12,}[._]/.test(file);
      const packed = gzip && gzipSync(readFileSync(file), { level: 9 });
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-length": packed ? packed.length : size,
        "cache-control": hashed ? "public, max-age=31536000, immutable" : "no-cache",
        ...(packed && { "content-encoding": "gzip" }),
      });
      if (packed) response.end(packed);
      else createReadStream(file).pipe(response);
    } catch {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    }
  });
  return new Promise((done, fail) => {
    const listen = (n) => {
      server.once("error", (error) => (error.code === "EADDRINUSE" && n && n < port + 20 ? listen(n + 1) : fail(error)));
      server.listen(n, "127.0.0.1", () => {
        server.removeAllListeners("error");
        done({ url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() && server.closeAllConnections() });
      });
    };
    listen(port);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { url } = await serve(process.argv[2] ?? "dist", Number(process.argv[3] ?? 8080));
  console.log(`\n  Stepgate is at ${url}\n  Ctrl-C stops it.\n`);
}
