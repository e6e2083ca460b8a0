/** Bundles the worker script with LiteRT.js into one classic script, dist/worker-script.js. */

import { build } from "esbuild";

await build({
  entryPoints: ["src/worker-script.ts"],
  outfile: "dist/worker-script.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  banner: { js: "/* Contains LiteRT.js, Copyright 2025 Google LLC, Apache-2.0. */" },
});
