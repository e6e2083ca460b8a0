/** Every stage of every golden image, from the golden files only. */

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { errorMap, fractions, filled, maskLabels, pClass, photographOf, pOther, resample } from "../src/index.js";
import { Scorer, verdict } from "../src/index.js";
import { golden, goldenErrors, largest, manifest, masks, picture, ROUNDING } from "./golden.js";
import { inpaintingOf, scores } from "./scores.js";

it.runIf(masks)("fills with masks that the bundle does not have", () => {
  expect(golden.fills!.length).toBeGreaterThan(0);
  for (const { mask, filled_crc32, ...set } of golden.fills!) {
    const found = filled(resample(picture(0, "resampled"), set.size), maskLabels(set), mask);
    expect(crc32(new Uint8Array(found.buffer)), JSON.stringify(set)).toBe(filled_crc32);
  }
});

describe.each(golden.images.map((entry, number) => ({ ...entry, number })))("$number $name", (entry) => {
  const { number } = entry;

  it("resamples exactly", () => {
    const { width, data } = resample(picture(number, "input"), manifest.size);
    expect(width).toBe(manifest.size);
    expect(largest(data, picture(number, "resampled").data)).toBe(0);
  });

  it.runIf(masks)("fills exactly", () => {
    const small = resample(picture(number, "resampled"), manifest.mask_set!.size);
    expect(largest(small.data, picture(number, "small").data)).toBe(0);
    const labels = maskLabels(manifest.mask_set!);
    let checksum = 0;
    for (let mask = 0; mask < manifest.mask_set!.count; mask++) {
      checksum = crc32(new Uint8Array(filled(small, labels, mask).buffer), checksum);
    }
    expect(checksum).toBe(entry.filled_crc32);
  });

  it.runIf(masks)("assembles the inpainting and its error map", () => {
    const inpainting = inpaintingOf(number);
    const { size } = manifest.mask_set!;
    // Each pixel of the graph's output is repeated to the side S.
    expect(largest(inpainting, resample(picture(number, "inpainted"), size).data)).toBe(0);
    const [x, y] = [fractions(picture(number, "small").data), fractions(inpainting)];
    expect(largest(errorMap(x, y, size, manifest.measure), goldenErrors(number))).toBeLessThan(1e-4);
  });

  it("gives the values that mim-tf verify compares between scorers", () => {
    const found = scores(number);
    if (masks) expect(Math.abs(found.ssim! - entry.ssim)).toBeLessThan(1e-4);
    expectNear(found.contrast, entry.contrast);
    expectNear(found.detail, entry.detail);
    expect(Math.abs(found.p_class - entry.p_class)).toBeLessThan(ROUNDING);
    expect(Math.abs(found.p_other - entry.p_other)).toBeLessThan(ROUNDING);
    expect([found.verdict, found.reason]).toEqual([entry.verdict, entry.reason]);
  });

  it("is judged and explained, each with its signature", async () => {
    const signatures: string[] = [];
    const scorer = new Scorer(manifest, async (signature, image) => {
      signatures.push(signature);
      expect(largest(image, picture(number, "resampled").data)).toBe(0);
      const outputs = { similarity: [entry.similarity], novelty: [entry.novelty] };
      if (signature === "verdict") return outputs;
      const error_map = new Float32Array(manifest.size ** 2);
      return { ...outputs, ssim: [entry.ssim], error_map, inpainted: picture(number, "inpainted").data };
    });
    const photo = photographOf(picture(number, "input"), manifest.size);
    const judged = await scorer.judge(photo);
    const explained = await scorer.explain(photo);
    expect([judged.verdict, judged.reason]).toEqual([entry.verdict, entry.reason]);
    const small = entry.reason === "too small";
    expect(signatures).toEqual(small ? [] : ["verdict", "explain"]);
    expect([judged.similarity, explained.ssim]).toEqual(small ? [null, null] : [entry.similarity, entry.ssim]);
    expect(explained).toMatchObject(judged);
    if (!small) expect(largest(explained.image!.data, picture(number, "resampled").data)).toBe(0);
  });
});

it("decides at and next to values of the tables", () => {
  const { calibration, reference } = manifest;
  for (const { similarity, p_class, p_other, verdict: expected } of golden.decisions ?? []) {
    const [ofClass, ofOther] = [pClass(similarity, calibration), pOther(similarity, reference)];
    expect(Math.abs(ofClass - p_class)).toBeLessThan(ROUNDING);
    expect(Math.abs(ofOther - p_other)).toBeLessThan(ROUNDING);
    expect(verdict(ofClass, ofOther, null, calibration.alpha, reference.beta)).toBe(expected);
  }
});

function expectNear(value: number, expected: number): void {
  // One colour has a contrast of 0; numpy's float32 may give one rounding unit of a luma of 1.
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(Math.max(1e-6 * expected, 2 ** -23));
}
