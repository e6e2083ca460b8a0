import { gate, pValue, verdict } from "./decide.js";
import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";
import type { Manifest, Reason, Verdict } from "./manifest.js";
import { resample } from "./resample.js";

/** The outputs of the signature `score` that a scorer reads, by name. */
export interface Outputs {
  /** float32 (1). */
  readonly similarity: ArrayLike<number>;
  /** float32 (1). */
  readonly ssim: ArrayLike<number>;
  /** The novelty, float32 (1). */
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

/** The result for a photograph that is large enough. */
export interface Judged {
  /** Higher: more similar to the class. Unbounded for the measure `deep`. For logs. */
  readonly similarity: number;
  /** In (0, 1]. For logs: 0.42 does not mean 42 % mpox. */
  readonly pValue: number;
  readonly verdict: Verdict;
  /** The reason for `cannot-judge`, else null. */
  readonly reason: Reason;
  /** Mean structural similarity of the inpainting, at most 1. */
  readonly ssim: number;
  /** 1 - SSIM at each of S x S pixels. */
  readonly errorMap: Float32Array;
  /** S x S pixels. */
  readonly inpainted: Rgb;
}

/** The result for a photograph that is too small. Nothing was computed. */
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
   * @param manifest result of `parseManifest`.
   * @param run runs `mim.tflite`, after `checkModel` has checked it.
   */
  constructor(manifest: Manifest, run: Run) {
    this.#manifest = manifest;
    this.#run = run;
  }

  /**
   * Judges one photograph.
   *
   * The graph also outputs a p-value, a verdict and a reason. They are not read: `decide.ts` computes them from the
   * similarity and the novelty, and the golden files check that the results are equal.
   *
   * @param photo upright, of any size.
   * @throws MimError if `photo` is not a valid image, or the model's outputs do not match this bundle.
   */
  async score(photo: Rgb): Promise<Judged | TooSmall> {
    const { calibration, gate: limits, size } = this.#manifest;
    checkImage(photo.width, photo.height, photo.data.length, 3);
    if (Math.min(photo.width, photo.height) < limits.min_side) return TOO_SMALL;
    const resampled = resample(photo, size);
    // A copy, because `run` may transfer the buffer to a worker and the gate reads the pixels again.
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
