/** `mim.tflite` itself, run by LiteRT.js (WebAssembly, XNNPACK) in Node. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tensor, type CompiledModel } from "@litertjs/core";
import { beforeAll, describe, expect, it } from "vitest";
import { checkModel, photographOf, REASONS, Scorer, VERDICTS } from "../src/index.js";
import { bundle, golden, manifest, picture, ROUNDING } from "./golden.js";
import { compile } from "./litert.js";
import { expectGolden, expectVerdict } from "./tolerance.js";

describe("LiteRT.js in Node", () => {
  let model: CompiledModel;

  beforeAll(async () => {
    const content = new Uint8Array(readFileSync(join(bundle, "mim.tflite")));
    await checkModel(manifest, "mim.tflite", content);
    model = await compile(content);
  }, 60_000);

  it.each(golden.images.map((entry, number) => ({ ...entry, number })))("scores $number $name", async ({ number }) => {
    const values: Record<string, Record<string, ArrayLike<number>>> = {};
    const scorer = new Scorer(manifest, async (signature, image) => {
      const outputs = await model.run(signature, { image: new Tensor(image, [1, manifest.size, manifest.size, 3]) });
      values[signature] = Object.fromEntries(Object.entries(outputs).map(([name, one]) => [name, one.toTypedArray()]));
      return values[signature];
    });
    const photo = photographOf(picture(number, "input"), manifest.size);
    const judged = await scorer.judge(photo);
    expectVerdict(number, judged);
    const explained = await scorer.explain(photo);
    expectGolden(number, { ...explained, inpainted: explained.inpainted?.data ?? null });
    if (judged.similarity === null || explained.similarity === null) {
      expect(values).toEqual({}); // the model was not run
      return;
    }
    // The graph decides by the same rules, so its results have to be equal.
    for (const [found, graph] of [[judged, values.verdict], [explained, values.explain]] as const) {
      expect([VERDICTS[graph.verdict[0]], REASONS[graph.reason[0]]]).toEqual([found.verdict, found.reason]);
      expect(Math.abs(graph.p_class[0] - found.pClass)).toBeLessThan(ROUNDING);
      expect(Math.abs(graph.p_other[0] - found.pOther)).toBeLessThan(ROUNDING);
    }
  }, 60_000);
});
