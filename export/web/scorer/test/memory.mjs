/** Prints time and memory of decoding a large JPEG in Chromium: node test/memory.mjs 12000 9000 */

import { runnerImport } from "vite";

const { module } = await runnerImport("./test/memory.ts", { configFile: false });
await module.print(...process.argv.slice(2).map(Number));
