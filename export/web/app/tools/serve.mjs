/**
 * Serves the built app as a host should: right types and headers, from any folder.
 *
 *     node tools/serve.mjs [PORT]
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/plain; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".tflite": "application/octet-stream",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

const HEADERS = {
  // The policy of index.html, and what only a header can say: no other site may show the app in a frame.
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
    "style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  "permissions-policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-cache",
};

/**
 * Starts a server on 127.0.0.1.
 *
 * @param {object} options
 * @param {string} [options.folder] served under `prefix`; the built app by default.
 * @param {string} [options.prefix] such as `/some/folder/`.
 * @param {number} [options.port] 0: a free one.
 * @param {(path: string) => number | undefined} [options.intercept] a status to answer with in place of a file.
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({ folder = dist, prefix = "/", port = 0, intercept = () => undefined } = {}) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const status = intercept(path);
    const inside = path.startsWith(prefix) ? normalize(path.slice(prefix.length) || "index.html") : "..";
    try {
      if (status !== undefined || inside.startsWith("..")) throw new Error();
      const content = await readFile(join(folder, inside));
      const type = TYPES[extname(inside)] ?? "text/plain; charset=utf-8";
      response.writeHead(200, { ...HEADERS, "content-type": type, "content-length": content.length }).end(content);
    } catch {
      response.writeHead(status ?? 404, { "content-type": "text/plain" }).end();
    }
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    url: `http://localhost:${server.address().port}${prefix}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await serve({ port: Number(process.argv[2] ?? 8000) })).url);
}
