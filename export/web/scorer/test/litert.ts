/** Loads LiteRT.js, which is written for browsers, in Node. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { loadAndCompile, loadLiteRt, type CompiledModel } from "@litertjs/core";
import { WASM } from "./golden.js";

/** Compiles a model for the CPU. */
export async function compile(content: Uint8Array): Promise<CompiledModel> {
  // In a browser's worker, `importScripts` runs a script that defines `ModuleFactory`. In Node the same script is a
  // CommonJS module that exports the factory.
  const importScripts = (path: string) => {
    const module = { exports: {} };
    const names = ["module", "exports", "require", "__filename", "__dirname"];
    const script = new Function(...names, readFileSync(path, "utf8"));
    script(module, module.exports, createRequire(path), path, dirname(path));
    Object.assign(globalThis, { ModuleFactory: module.exports });
  };
  Object.assign(globalThis, { self: globalThis, importScripts });
  await loadLiteRt(WASM);
  return loadAndCompile(content, { accelerator: "wasm" });
}
