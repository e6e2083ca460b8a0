/** Every stage of every golden image, from the golden files only. */

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { errorMap, fractions, filled, maskLabels, pValue, resample, Scorer, verdict } from "../src/index.js";
import { golden, goldenErrors, largest, manifest, masks, picture } from "./golden.js";
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
    expect(Math.abs(found.p_value - entry.p_value)).toBeLessThan(1e-6);
    expect([found.verdict, found.reason]).toEqual([entry.verdict, entry.reason]);
  });

  it("scores", async () => {
    let runs = 0;
    const inpainted = picture(number, "inpainted");
    const scorer = new Scorer(manifest, async (image) => {
      runs++;
      expect(largest(image, picture(number, "resampled").data)).toBe(0);
      const error_map = new Float32Array(manifest.size ** 2);
      const { similarity, ssim, foreignness } = entry;
      const scalars = { similarity: [similarity], ssim: [ssim], foreignness: [foreignness] };
      return { ...scalars, error_map, inpainted: inpainted.data };
    });
    const score = await scorer.score(picture(number, "input"));
    expect([score.verdict, score.reason]).toEqual([entry.verdict, entry.reason]);
    expect(runs).toBe(entry.reason === "too small" ? 0 : 1);
    expect(score.similarity).toBe(entry.reason === "too small" ? null : entry.similarity);
  });
});

it("decides at and next to values of the table", () => {
  for (const { similarity, p_value, verdict: expected } of golden.decisions ?? []) {
    const p = pValue(similarity, manifest.calibration);
    expect(Math.abs(p - p_value)).toBeLessThan(1e-6);
    expect(verdict(p, null, manifest.calibration.alpha)).toBe(expected);
  }
});

function expectNear(value: number, expected: number): void {
  // One colour has a contrast of 0; numpy's float32 may give one rounding unit of a luma of 1.
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(Math.max(1e-6 * expected, 2 ** -23));
}
