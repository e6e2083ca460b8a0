/** `mim.tflite` itself, run by LiteRT.js (WebAssembly, XNNPACK) in Node. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tensor, type CompiledModel } from "@litertjs/core";
import { beforeAll, describe, expect, it } from "vitest";
import { checkModel, REASONS, Scorer, VERDICTS, type Outputs } from "../src/index.js";
import { bundle, golden, manifest, picture } from "./golden.js";
import { compile } from "./litert.js";
import { expectGolden } from "./tolerance.js";

describe("LiteRT.js in Node", () => {
  let model: CompiledModel;

  beforeAll(async () => {
    const content = new Uint8Array(readFileSync(join(bundle, "mim.tflite")));
    await checkModel(manifest, "mim.tflite", content);
    model = await compile(content);
  }, 60_000);

  it.each(golden.images.map((entry, number) => ({ ...entry, number })))("scores $number $name", async ({ number }) => {
    let values: Record<string, ArrayLike<number>> | undefined;
    const scorer = new Scorer(manifest, async (image) => {
      const outputs = await model.run("score", { image: new Tensor(image, [1, manifest.size, manifest.size, 3]) });
      values = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.toTypedArray()]));
      return values as unknown as Outputs;
    });
    const score = await scorer.score(picture(number, "input"));
    expectGolden(number, { ...score, inpainted: score.inpainted?.data ?? null });
    if (values === undefined) return; // too small: the model was not run
    // The graph decides by the same rules, so its results have to be equal.
    expect([VERDICTS[values.verdict[0]], REASONS[values.reason[0]]]).toEqual([score.verdict, score.reason]);
    expect(Math.abs(values.p_value[0] - score.pValue!)).toBeLessThan(1e-6);
  });
});
