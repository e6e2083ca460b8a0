/** The verdicts on photographs, to compare them with those of other scorers. */

import { readFileSync } from "node:fs";
import type { createScorer } from "../src/worker.js";
import { executable, start } from "./browser/site.js";
import { setup } from "./build.js";

declare const mim: { createScorer: typeof createScorer };

/**
 * Prints a line of JSON for each photograph: `similarity`, `p_class`, `p_other`, `verdict` and `reason`.
 *
 * @param paths of the files.
 */
export async function print(paths: readonly string[]): Promise<void> {
  if (executable === undefined) throw new Error("Chromium is not installed; set CHROMIUM to its path");
  setup();
  const site = await start();
  const page = await site.open();
  const files = { manifest: "/bundle/manifest.json", model: "/bundle/mim.tflite", wasm: "/litert/" };
  const scorer = await page.evaluateHandle((addresses) => mim.createScorer(addresses), files);
  for (const path of paths) {
    site.made.set("/photo", { content: readFileSync(path) });
    const found = await scorer.evaluate(async (one) => one.judge(await (await fetch("/photo")).blob()));
    const { similarity, pClass: p_class, pOther: p_other, verdict, reason } = found;
    console.log(JSON.stringify({ similarity, p_class, p_other, verdict, reason }));
  }
  await site.close();
}
