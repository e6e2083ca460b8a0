import { MimError } from "./errors.js";
import type { Rgb } from "./image.js";
import type { Calibration, Gate, Reason, Verdict } from "./manifest.js";

/** Added to alpha in the comparison with p: the float32 sum of a graph may differ by about 1e-7. */
const SLACK = 1e-6;
/** The luma of white, in the units of `luma`. */
const WHITE = 255_000;

/**
 * Standard deviation of the luma.
 *
 * @param image S x S pixels, resampled.
 * @returns a value in [0, 0.5]: half black and half white gives 0.5, one colour gives exactly 0.
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
 * Mean absolute difference between the luma of neighbours, vertical and horizontal.
 *
 * @param image S x S pixels, resampled, S at least 2.
 * @returns a value in [0, 1].
 * @example
 * // Black and white stripes one pixel wide: 0.5, because they differ along one axis only.
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

/** 299 R + 587 G + 114 B. These are integers, so sums over an image are exact in doubles, in any order. */
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
 * @param novelty the output `foreignness` of `mim.tflite`.
 * @returns `blank`, `blurred`, `not skin`, or null if the image can be judged.
 * @throws MimError if the novelty is not a finite number.
 * @example
 * gate({ width: 2, height: 2, data: new Uint8Array(12) }, manifest.gate, 0) // "blank"
 */
export function gate(image: Rgb, limits: Gate, novelty: number): Reason {
  needFinite("novelty", novelty);
  // Limits and values are rounded to float32, because the graph compares float32 values.
  if (Math.fround(contrast(image)) < Math.fround(limits.min_contrast)) return "blank";
  if (Math.fround(detail(image)) < Math.fround(limits.min_detail)) return "blurred";
  if (limits.max_novelty === null) return null;
  return Math.fround(novelty) > Math.fround(limits.max_novelty) ? "not skin" : null;
}

/**
 * The conformal p-value over groups: (1 + sum of the weights of similarities <= s in the table) / (groups + 1).
 *
 * Similarities and weights are rounded to float32 like those of the graph. The table holds 0.1, the graph
 * 0.100000001490116; this difference must not affect the comparison.
 *
 * @param similarity of the image.
 * @param calibration `calibration` of a manifest.
 * @returns a float32 in [1 / (groups + 1), 1].
 * @throws MimError if the similarity is not a finite number.
 * @example
 * // Groups {0.5} and {0.7, 0.9}: similarities 0.5, 0.7, 0.9 with weights 1, 0.5, 0.5.
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
 * The verdict on an image.
 *
 * @param p its p-value.
 * @param reason result of `gate`; any value except null gives `cannot-judge`.
 * @param alpha `alpha` of the calibration: an image is `not-mpox-like` if p is at most alpha.
 * @throws MimError if p is not a finite number.
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

/** NaN would pass every limit, because comparisons with NaN are false. */
function needFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new MimError(`the ${name} is ${value}, not a finite number`, "run mim.tflite on the CPU, or load it again");
  }
}
