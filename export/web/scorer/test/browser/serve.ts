/** Serves the test page, the README's worker and page, LiteRT.js and the bundle, and receives the page's result. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { build } from "vite";
import { bundle, golden, root } from "../golden.js";

const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };
const PAGE = '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>';

/**
 * Starts Chromium at the page and ends it when the page has posted its result.
 *
 * @param chromium the program.
 * @param large a PNG that the page decodes.
 * @returns what the page posts.
 */
export async function resultOf(chromium: string, large: Uint8Array): Promise<any> {
  const files = golden.decoded.map((entry) => entry.file);
  const photos = golden.images.map((_, number) => `${String(number).padStart(2, "0")}_input.png`);
  const made: Record<string, string | Uint8Array> = {
    "/index.html": PAGE,
    "/large.png": large,
    "/work.json": JSON.stringify({ files, photos }),
    "/page.js": await bundled("page.ts", readFileSync(join(root, "test/browser/page.ts"), "utf8"), "es"),
    "/worker.js": await bundled("worker.js", ofReadme(/```js\n(import[^]*?)```/), "iife"),
    "/readme.html": ofReadme(/```html\n([^]*?)```/),
  };
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      text(request).then((body) => {
        response.end();
        server.emit("result", body);
      });
      return;
    }
    const url = request.url!;
    try {
      response.setHeader("content-type", TYPES[url.split(".").pop()!] ?? "application/octet-stream");
      response.end(made[url] ?? readFileSync(pathOf(url)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const profile = mkdtempSync(join(tmpdir(), "mim-tf-scorer-"));
  // Root, as in a container, cannot use the sandbox. The only page is the one above.
  const flags = ["--headless", "--disable-gpu", "--no-sandbox", "--no-first-run", `--user-data-dir=${profile}`];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.html`;
  const browser = spawn(chromium, [...flags, url], { stdio: "ignore" });
  const ended = once(browser, "exit");
  try {
    const [result] = await Promise.race([once(server, "result"), ended]);
    if (typeof result !== "string") throw new Error(`${chromium} ended without a result`);
    return JSON.parse(result);
  } finally {
    browser.kill();
    await ended;
    server.closeAllConnections();
    server.close();
    // Its child processes may still write for a moment.
    await rm(profile, { recursive: true, force: true, maxRetries: 20 });
  }
}

function pathOf(url: string): string {
  const litert = "/litert/";
  if (url.startsWith(litert)) return join(root, "node_modules/@litertjs/core/wasm", url.slice(litert.length));
  return join(bundle, url.slice("/bundle/".length));
}

function ofReadme(block: RegExp): string {
  return readFileSync(join(root, "README.md"), "utf8").match(block)![1];
}

/** One script without imports, from a module whose imports are relative to `test/browser`. */
async function bundled(name: string, code: string, format: "es" | "iife"): Promise<string> {
  const id = join(root, "test/browser", `virtual-${name}`);
  const given = (asked: string) => (asked === id ? id : null);
  const output = await build({
    configFile: false,
    logLevel: "error",
    root,
    resolve: { alias: { "mim-tf-scorer": join(root, "src/index.ts") } },
    plugins: [{ name: "virtual", resolveId: given, load: (asked) => given(asked) && code }],
    build: { write: false, target: "es2022", rollupOptions: { input: id, output: { format } } },
  });
  if (!("output" in output)) throw new Error(`no bundle of ${name}`);
  return output.output[0].code;
}
