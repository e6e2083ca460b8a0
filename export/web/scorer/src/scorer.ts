import type { Manifest } from "./bundle.js";
import { gate, pValue, verdict, type Reason, type Verdict } from "./decide.js";
import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";
import { resample } from "./resample.js";

/** Outputs of the signature `score` that a scorer reads, by their names there. */
export interface Outputs {
  /** float32 (1). */
  readonly similarity: ArrayLike<number>;
  /** float32 (1). */
  readonly ssim: ArrayLike<number>;
  /** float32 (1). */
  readonly foreignness: ArrayLike<number>;
  /** float32 (1, S, S, 1). */
  readonly error_map: ArrayLike<number>;
  /** uint8 (1, S, S, 3). */
  readonly inpainted: ArrayLike<number>;
}

/**
 * Runs the signature `score` of `mim.tflite` once.
 *
 * @param image uint8 (1, S, S, 3).
 */
export type Run = (image: Uint8Array<ArrayBuffer>) => Promise<Outputs>;

/** What is said of a photograph that is large enough. */
export interface Judged {
  /** Higher = more like the class; of the measure `deep` without bounds. For logs. */
  readonly similarity: number;
  /** In (0, 1]. For logs, like the similarity: 0.42 does not mean 42 % mpox. */
  readonly pValue: number;
  readonly verdict: Verdict;
  /** Why it is `cannot-judge`, else null. */
  readonly reason: Reason;
  /** Mean structural similarity of the inpainting, at most 1. */
  readonly ssim: number;
  /** 1 - SSIM at each of S x S pixels. */
  readonly errorMap: Float32Array;
  /** S x S pixels. */
  readonly inpainted: Rgb;
}

/** What is said of a photograph that is too small, of which nothing was computed. */
export interface TooSmall extends Record<Exclude<keyof Judged, "verdict" | "reason">, null> {
  readonly verdict: "cannot-judge";
  readonly reason: "too small";
}

/**
 * Judges photographs with a bundle.
 *
 * @example
 * const scorer = new Scorer(manifest, run);
 * (await scorer.score(photo)).verdict // "mpox-like"
 */
export class Scorer {
  readonly #manifest: Manifest;
  readonly #run: Run;

  /**
   * @param manifest of `parseManifest`.
   * @param run runs `mim.tflite`, of which `checkModel` approved.
   */
  constructor(manifest: Manifest, run: Run) {
    this.#manifest = manifest;
    this.#run = run;
  }

  /**
   * Judges one photograph.
   *
   * The graph computes a p-value, a verdict and a reason too; they are not read, for they follow from its
   * similarity and foreignness by the rules of `decide.ts`, which the golden files hold to the same values.
   *
   * @param photo upright, of any size.
   * @throws MimError where `photo` is no image, or the model's outputs are not those of this bundle.
   */
  async score(photo: Rgb): Promise<Judged | TooSmall> {
    const { calibration, gate: limits, size } = this.#manifest;
    checkImage(photo.width, photo.height, photo.data.length, 3);
    if (Math.min(photo.width, photo.height) < limits.min_side) return TOO_SMALL;
    const resampled = resample(photo, size);
    // A copy: `run` may transfer its buffer to a worker, and the gate reads the pixels once more.
    const outputs = await this.#run(new Uint8Array(resampled.data));
    const similarity = values(outputs, "similarity", 1)[0];
    const p = pValue(similarity, calibration);
    const reason = gate(resampled, limits, values(outputs, "foreignness", 1)[0]);
    return {
      similarity,
      pValue: p,
      verdict: verdict(p, reason, calibration.alpha),
      reason,
      ssim: values(outputs, "ssim", 1)[0],
      errorMap: Float32Array.from(values(outputs, "error_map", size * size)),
      inpainted: { width: size, height: size, data: Uint8Array.from(values(outputs, "inpainted", 3 * size * size)) },
    };
  }
}

const TOO_SMALL: TooSmall = {
  similarity: null,
  pValue: null,
  verdict: "cannot-judge",
  reason: "too small",
  ssim: null,
  errorMap: null,
  inpainted: null,
};

function values(outputs: Outputs, name: keyof Outputs, length: number): ArrayLike<number> {
  const output = outputs[name];
  if (output?.length !== length) {
    const problem = `the output ${name} has ${output?.length ?? "no"} values, not ${length}`;
    throw new MimError(problem, "run the signature score of the bundle's mim.tflite");
  }
  return output;
}
