/** Judges photographs in Chromium, with the built package and the bundle that MIM_BUNDLE names: node photos.mjs FILE... */

import { runnerImport } from "vite";

const { module } = await runnerImport("./test/photos.ts", { configFile: false });
await module.print(process.argv.slice(2));
