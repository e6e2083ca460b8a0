/** Prints a line of JSON for each golden image of the bundle that MIM_BUNDLE names; `mim-tf verify` reads them. */

import { runnerImport } from "vite";

const { module } = await runnerImport("./test/scores.ts", { configFile: false });
module.print();
