/** What is published: its files, its entry points, and its types in each way of resolving modules. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./golden.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "mim-tf-scorer-"));

describe("the package", { timeout: 60_000 }, () => {
  let file: string;
  let paths: string[];

  beforeAll(async () => {
    // The tests have built it.
    const options = ["--ignore-scripts", "--json", "--pack-destination", folder];
    const [packed] = JSON.parse((await run("npm", ["pack", ...options], { cwd: root })).stdout);
    file = join(folder, packed.filename);
    paths = packed.files.map((entry: { path: string }) => entry.path);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has the built files, README and licence, and nothing else", () => {
    const others = paths.filter((path) => !/^dist\/[\w-]+\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(["LICENSE", "README.md", "package.json"]);
  });

  it("has a worker script without imports, with the licence of what it contains", () => {
    const script = readFileSync(join(root, "dist/worker-script.js"), "utf8");
    expect(script.startsWith("/* Contains LiteRT.js, Copyright 2025 Google LLC, Apache-2.0. */")).toBe(true);
    expect(script).not.toMatch(/\b(import|export)\s*[{*"]/);
  });

  it("has no problem that publint knows", async () => {
    await run("npx", ["publint", "--strict", file], { cwd: root });
  });

  it("has types that attw resolves", async () => {
    await run("npx", ["attw", file, "--profile", "esm-only"], { cwd: root });
  });
});
