import { expect } from "vitest";
import { allowed, golden, goldenErrors, largest, manifest, picture, text } from "./golden.js";

const { threshold } = JSON.parse(text).calibration;

/** The result of a scorer for a photograph, with arrays of any kind. */
interface Found {
  readonly similarity: number | null;
  readonly pValue: number | null;
  readonly verdict: string;
  readonly reason: string | null;
  readonly ssim: number | null;
  readonly errorMap: ArrayLike<number> | null;
  readonly inpainted: ArrayLike<number> | null;
}

/** Compares the result of any runtime with the golden one, within the tolerances of `golden.json`. */
export function expectGolden(number: number, found: Found): void {
  const entry = golden.images[number];
  expect(found.reason).toBe(entry.reason);
  // A verdict may differ only if the similarity is within the tolerance of the threshold.
  if (Math.abs(entry.similarity - threshold) > allowed(entry.similarity)) expect(found.verdict).toBe(entry.verdict);
  if (entry.reason === "too small") {
    expect([found.similarity, found.pValue, found.ssim]).toEqual([null, null, null]);
    return;
  }
  expect(Math.abs(found.similarity! - entry.similarity)).toBeLessThanOrEqual(allowed(entry.similarity));
  expect(Math.abs(found.ssim! - entry.ssim)).toBeLessThanOrEqual(golden.tolerance.ssim);
  expect(largest(found.inpainted!, picture(number, "inpainted").data)).toBeLessThanOrEqual(golden.tolerance.pixels);
  const errors = goldenErrors(number);
  const [side, step] = [Math.sqrt(errors.length), manifest.size / Math.sqrt(errors.length)];
  const every = errors.map((_, i) => found.errorMap![Math.floor(i / side) * step * manifest.size + (i % side) * step]);
  expect(largest(every, errors)).toBeLessThanOrEqual(golden.tolerance.error_map);
}
