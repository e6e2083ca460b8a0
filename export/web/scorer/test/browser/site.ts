/** A site without a bundler: the built package, LiteRT.js, the bundle, and a strict content security policy. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { bundle, root, WASM } from "../golden.js";

/** What pages and their workers may do: the policy that the README recommends. */
const POLICY = readFileSync(join(root, "README.md"), "utf8").match(/^ {4}(default-src .*)$/m)![1];
const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };
const FOLDERS: Readonly<Record<string, string>> = {
  "/scorer/": join(root, "dist"),
  "/litert/": WASM,
  "/core/": join(WASM, "../dist"),
  "/utils/": join(WASM, "../../wasm-utils/dist"),
  "/bundle/": bundle,
};
const PAGE =
  '<!doctype html><html lang="en"><title>Test</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
/** Provides the package to functions that tests run in the page. */
const SCRIPT =
  'import * as core from "/scorer/index.js"; import * as worker from "/scorer/worker.js"; globalThis.mim = { ...core, ...worker };';

/** An answer in place of a file. */
export interface Made {
  readonly status?: number;
  readonly type?: string;
  readonly content: string | Uint8Array;
}

export interface Site {
  readonly origin: string;
  /** Answers by path, which come before files. */
  readonly made: Map<string, Made>;
  /** Paths that were requested. */
  readonly requests: string[];
  /** A new page of the site. */
  open(path?: string): Promise<Page>;
  readonly browser: Browser;
  close(): Promise<void>;
}

const candidates = [process.env.CHROMIUM ?? "chromium", "chromium-browser", "google-chrome"];
const found = candidates.map((name) => spawnSync("which", [name], { encoding: "utf8" }).stdout.trim()).find(Boolean);

/** Path of the browser; undefined if there is none. */
export const executable = found;

export async function start(): Promise<Site> {
  const made = new Map<string, Made>([
    ["/", { type: "text/html", content: PAGE }],
    ["/page.js", { content: SCRIPT }],
  ]);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url!;
    requests.push(path);
    const folder = Object.keys(FOLDERS).find((name) => path.startsWith(name));
    response.setHeader("content-security-policy", path === "/thread.html" ? "" : POLICY);
    try {
      const { status, type, content } = made.get(path) ?? {
        content: readFileSync(join(FOLDERS[folder!], path.slice(folder!.length))),
      };
      const known = type ?? TYPES[path.split(".").pop()!] ?? "application/octet-stream";
      response.writeHead(status ?? 200, { "content-type": known }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Root, as in a container, cannot use the sandbox. The only pages are those above.
  const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
  return {
    origin,
    made,
    requests,
    browser,
    async open(path = "/") {
      const page = await browser.newPage();
      await page.goto(origin + path);
      return page;
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
