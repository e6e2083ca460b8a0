import { MimError } from "./errors.js";
import type { Rgb } from "./image.js";
import type { Gate, GateReason, Reason, Table, Verdict } from "./manifest.js";

/**
 * Added to alpha and beta when p-values are compared with them. Float32 sums of the same weights in another order
 * differ by less than 1e-6, while two different p-values of a table differ by more than 1e-4.
 */
const SLACK = 1e-5;
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
 * @param novelty the output `novelty` of `mim.tflite`.
 * @returns `blank`, `blurred`, `not skin`, or null if the image can be judged.
 * @throws MimError if the novelty is not a finite number.
 * @example
 * gate({ width: 2, height: 2, data: new Uint8Array(12) }, manifest.gate, 0) // "blank"
 */
export function gate(image: Rgb, limits: Gate, novelty: number): GateReason {
  needFinite("novelty", novelty);
  // Limits and values are rounded to float32, because the graph compares float32 values.
  if (Math.fround(contrast(image)) < Math.fround(limits.min_contrast)) return "blank";
  if (Math.fround(detail(image)) < Math.fround(limits.min_detail)) return "blurred";
  if (limits.max_novelty === null) return null;
  return Math.fround(novelty) > Math.fround(limits.max_novelty) ? "not skin" : null;
}

/**
 * The conformal p-value of the class, over groups: (1 + sum of the weights of similarities <= s in the table) /
 * (groups + 1).
 *
 * @param similarity of the image.
 * @param calibration `calibration` of a manifest.
 * @returns a float32 in [1 / (groups + 1), 1].
 * @throws MimError if the similarity is not a finite number.
 * @example
 * // Groups {0.5} and {0.7, 0.9}: similarities 0.5, 0.7, 0.9 with weights 1, 0.5, 0.5.
 * pClass(0.8, table) // (1 + 1.5) / 3 = 0.8333
 */
export function pClass(similarity: number, calibration: Table): number {
  return pValue(similarity, calibration, (known, s) => known <= s);
}

/**
 * The p-value of other skin: (1 + sum of the weights of similarities >= s in the table) / (groups + 1).
 *
 * @param similarity of the image.
 * @param reference `reference` of a manifest.
 * @returns a float32 in [1 / (groups + 1), 1]; 1 for an empty table.
 * @throws MimError if the similarity is not a finite number.
 * @example
 * // Similarities 0.2, 0.4, 0.6 with weights 1.5, 0.75, 0.75, of 3 groups.
 * pOther(0.5, table) // (1 + 0.75) / 4 = 0.4375
 */
export function pOther(similarity: number, reference: Table): number {
  return pValue(similarity, reference, (known, s) => known >= s);
}

/**
 * Similarities and weights are rounded to float32 like those of the graph. The table holds 0.1, the graph
 * 0.100000001490116; this difference must not affect the comparison.
 */
function pValue(similarity: number, table: Table, counts: (known: number, s: number) => boolean): number {
  needFinite("similarity", similarity);
  const s = Math.fround(similarity);
  const { similarities, weights, groups } = table;
  let sum = 1;
  for (let i = 0; i < similarities.length; i++) {
    if (counts(Math.fround(similarities[i]), s)) sum += Math.fround(weights[i]);
  }
  return Math.fround(sum / (groups + 1));
}

/**
 * The verdict on an image.
 *
 * If other skin alone is excluded, it is `mpox-like`; if the class alone is, `not-mpox-like`; if both or neither are,
 * `undecided`.
 *
 * @param ofClass result of `pClass`.
 * @param ofOther result of `pOther`.
 * @param reason result of `gate`; any value except null gives `cannot-judge`.
 * @param alpha `calibration.alpha` of a manifest: the class is excluded if its p-value is at most alpha.
 * @param beta `reference.beta` of a manifest: other skin is excluded if its p-value is at most beta.
 * @throws MimError if a p-value is not a finite number.
 * @example
 * verdict(0.4, 0.1, null, 0.05, 0.2) // "mpox-like"
 * verdict(0.03, 0.9, null, 0.05, 0.2) // "not-mpox-like"
 * verdict(0.4, 0.5, null, 0.05, 0.2) // "undecided"
 * verdict(0.4, 0.1, "blank", 0.05, 0.2) // "cannot-judge"
 */
export function verdict(ofClass: number, ofOther: number, reason: Reason, alpha: number, beta: number): Verdict {
  needFinite("p-value of the class", ofClass);
  needFinite("p-value of other skin", ofOther);
  if (reason !== null) return "cannot-judge";
  const noClass = Math.fround(ofClass) <= Math.fround(alpha + SLACK);
  const noOther = Math.fround(ofOther) <= Math.fround(beta + SLACK);
  if (noClass === noOther) return "undecided";
  return noClass ? "not-mpox-like" : "mpox-like";
}

/** NaN would pass every limit, because comparisons with NaN are false. */
function needFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new MimError(`the ${name} is ${value}, not a finite number`, "run mim.tflite on the CPU, or load it again");
  }
}
