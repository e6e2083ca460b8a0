import type { Calibration, Gate } from "./bundle.js";
import { MimError } from "./errors.js";
import type { Rgb } from "./image.js";

/** Verdicts by their code in the graph's output `verdict`. */
export const VERDICTS = ["mpox-like", "not-mpox-like", "cannot-judge"] as const;
/** Reasons by their code in the graph's output `reason`; null: the image can be judged. */
export const REASONS = [null, "blank", "blurred", "not skin", "too small", "unreadable"] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Reason = (typeof REASONS)[number];

/** Added to alpha where p is compared with it: the float32 sum of a graph may differ by about 1e-7. */
const SLACK = 1e-6;
/** The luma of white in the units of `luma`. */
const WHITE = 255_000;

/**
 * Standard deviation of the luma.
 *
 * @param image S x S pixels, resampled.
 * @returns in [0, 0.5]: half black, half white gives 0.5, one colour exactly 0.
 * @example
 * contrast({ width: 2, height: 1, data: new Uint8Array([0, 0, 0, 255, 255, 255]) }) // 0.5
 */
export function contrast(image: Rgb): number {
  const values = luma(image);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / values.length) / WHITE;
}

/**
 * Mean absolute difference of the luma of neighbours, down and to the right alike.
 *
 * @param image S x S pixels, resampled, S at least 2.
 * @returns in [0, 1].
 * @example
 * // Stripes one pixel wide, black and white: 0.5, for they differ along one axis only.
 * const stripes = [0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255];
 * detail({ width: 2, height: 2, data: new Uint8Array(stripes) }) // 0.5
 */
export function detail(image: Rgb): number {
  const { width, height } = image;
  const values = luma(image);
  let down = 0;
  let right = 0;
  for (let i = 0; i < values.length; i++) {
    if (i + width < values.length) down += Math.abs(values[i + width] - values[i]);
    if ((i + 1) % width > 0) right += Math.abs(values[i + 1] - values[i]);
  }
  return (down / (width * (height - 1)) + right / (height * (width - 1))) / 2 / WHITE;
}

/** 299 R + 587 G + 114 B: integers, of which sums over an image are exact in doubles, whatever their order. */
function luma(image: Rgb): Float64Array {
  const { data } = image;
  return Float64Array.from({ length: data.length / 3 }, (_, i) => {
    return 299 * data[3 * i] + 587 * data[3 * i + 1] + 114 * data[3 * i + 2];
  });
}

/**
 * Why an image cannot be judged.
 *
 * @param image S x S pixels, resampled.
 * @param limits `gate` of a manifest.
 * @param foreignness the output of that name.
 * @returns `blank`, `blurred`, `not skin`, or null where it can be judged.
 * @throws MimError where the foreignness is no finite number.
 * @example
 * gate({ width: 2, height: 2, data: new Uint8Array(12) }, manifest.gate, 0) // "blank"
 */
export function gate(image: Rgb, limits: Gate, foreignness: number): Reason {
  needFinite("foreignness", foreignness);
  // Limits and values are rounded to float32, in which the graph compares them.
  if (Math.fround(contrast(image)) < Math.fround(limits.min_contrast)) return "blank";
  if (Math.fround(detail(image)) < Math.fround(limits.min_detail)) return "blurred";
  if (limits.max_foreignness === null) return null;
  return Math.fround(foreignness) > Math.fround(limits.max_foreignness) ? "not skin" : null;
}

/**
 * The conformal p-value among groups: (1 + sum of the weights of tabled similarities <= s) / (groups + 1).
 *
 * Similarities and weights are rounded to float32, as the graph has them: a table holds 0.1, a graph
 * 0.100000001490116, and whether one is below the other must not depend on that.
 *
 * @param similarity of the image.
 * @param calibration `calibration` of a manifest.
 * @returns a float32 in [1 / (groups + 1), 1].
 * @throws MimError where the similarity is no finite number.
 * @example
 * // Groups {0.5} and {0.7, 0.9}: similarities 0.5, 0.7, 0.9 of weights 1, 0.5, 0.5.
 * pValue(0.8, table) // (1 + 1.5) / 3 = 0.8333
 */
export function pValue(similarity: number, calibration: Calibration): number {
  needFinite("similarity", similarity);
  const s = Math.fround(similarity);
  const { similarities, weights, groups } = calibration;
  let sum = 1;
  for (let i = 0; i < similarities.length; i++) {
    if (Math.fround(similarities[i]) <= s) sum += Math.fround(weights[i]);
  }
  return Math.fround(sum / (groups + 1));
}

/**
 * What is said of an image.
 *
 * @param p its p-value.
 * @param reason of `gate`; any but null gives `cannot-judge`.
 * @param alpha of the calibration: an image is `not-mpox-like` where p is at most alpha.
 * @throws MimError where p is no finite number.
 * @example
 * verdict(0.03, null, 0.05) // "not-mpox-like"
 * verdict(0.4, null, 0.05) // "mpox-like"
 * verdict(0.4, "blank", 0.05) // "cannot-judge"
 */
export function verdict(p: number, reason: Reason, alpha: number): Verdict {
  needFinite("p-value", p);
  if (reason !== null) return "cannot-judge";
  return Math.fround(p) <= Math.fround(alpha + SLACK) ? "not-mpox-like" : "mpox-like";
}

/** NaN would pass every limit: it is compared as neither above nor below. */
function needFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new MimError(`the ${name} is ${value}, no finite number`, "run mim.tflite on the CPU, or load it again");
  }
}
