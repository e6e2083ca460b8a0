import { expect } from "vitest";
import { allowed, golden, goldenErrors, largest, manifest, picture, text } from "./golden.js";

/** The similarities at which a verdict changes. */
const thresholds: number[] = [JSON.parse(text).calibration.threshold, manifest.reference.threshold ?? []].flat();

/** The result of `judge`. */
interface Judged {
  readonly similarity: number | null;
  readonly pClass: number | null;
  readonly pOther: number | null;
  readonly verdict: string;
  readonly reason: string | null;
}

/** The result of `explain`, with arrays of any kind. */
interface Explained extends Judged {
  readonly ssim: number | null;
  readonly errorMap: ArrayLike<number> | null;
  readonly inpainted: ArrayLike<number> | null;
}

/** Compares a result of `judge` on any runtime with the golden one, within the tolerances of `golden.json`. */
export function expectVerdict(number: number, found: Judged): void {
  const entry = golden.images[number];
  expect(found.reason).toBe(entry.reason);
  // A verdict may differ only if the similarity is within the tolerance of a threshold.
  const near = thresholds.some((threshold) => Math.abs(entry.similarity - threshold) <= allowed(entry.similarity));
  if (!near) expect(found.verdict).toBe(entry.verdict);
  if (entry.reason === "too small") {
    expect([found.similarity, found.pClass, found.pOther]).toEqual([null, null, null]);
    return;
  }
  expect(Math.abs(found.similarity! - entry.similarity)).toBeLessThanOrEqual(allowed(entry.similarity));
}

/** Compares a result of `explain` with the golden one, like `expectVerdict`. */
export function expectGolden(number: number, found: Explained): void {
  expectVerdict(number, found);
  const entry = golden.images[number];
  if (entry.reason === "too small") {
    expect(found.ssim).toBe(null);
    return;
  }
  expect(Math.abs(found.ssim! - entry.ssim)).toBeLessThanOrEqual(golden.tolerance.ssim);
  expect(largest(found.inpainted!, picture(number, "inpainted").data)).toBeLessThanOrEqual(golden.tolerance.pixels);
  const errors = goldenErrors(number);
  const [side, step] = [Math.sqrt(errors.length), manifest.size / Math.sqrt(errors.length)];
  const every = errors.map((_, i) => found.errorMap![Math.floor(i / side) * step * manifest.size + (i % side) * step]);
  expect(largest(every, errors)).toBeLessThanOrEqual(golden.tolerance.error_map);
}
