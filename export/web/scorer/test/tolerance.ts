import { expect } from "vitest";
import { allowed, golden, goldenErrors, largest, manifest, picture, text } from "./golden.js";

const { threshold } = JSON.parse(text).calibration;

/** What a scorer said of a photograph, with arrays of any kind. */
interface Told {
  readonly similarity: number | null;
  readonly pValue: number | null;
  readonly verdict: string;
  readonly reason: string | null;
  readonly ssim: number | null;
  readonly errorMap: ArrayLike<number> | null;
  readonly inpainted: ArrayLike<number> | null;
}

/** Compares a score that another runtime than the reference gave within the tolerances of `golden.json`. */
export function expectGolden(number: number, told: Told): void {
  const entry = golden.images[number];
  expect(told.reason).toBe(entry.reason);
  // A verdict may flip only where the similarity lies within the tolerance of the threshold.
  if (Math.abs(entry.similarity - threshold) > allowed(entry.similarity)) expect(told.verdict).toBe(entry.verdict);
  if (entry.reason === "too small") {
    expect([told.similarity, told.pValue, told.ssim]).toEqual([null, null, null]);
    return;
  }
  expect(Math.abs(told.similarity! - entry.similarity)).toBeLessThanOrEqual(allowed(entry.similarity));
  expect(Math.abs(told.ssim! - entry.ssim)).toBeLessThanOrEqual(golden.tolerance.ssim);
  expect(largest(told.inpainted!, picture(number, "inpainted").data)).toBeLessThanOrEqual(golden.tolerance.pixels);
  const errors = goldenErrors(number);
  const [side, step] = [Math.sqrt(errors.length), manifest.size / Math.sqrt(errors.length)];
  const every = errors.map((_, i) => told.errorMap![Math.floor(i / side) * step * manifest.size + (i % side) * step]);
  expect(largest(every, errors)).toBeLessThanOrEqual(golden.tolerance.error_map);
}
