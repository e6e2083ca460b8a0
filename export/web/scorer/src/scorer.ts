import { gate, pClass, pOther, verdict } from "./decide.js";
import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";
import type { GateReason, Manifest, Verdict } from "./manifest.js";
import { resample } from "./resample.js";

/**
 * The outputs of a signature, by name.
 *
 * A scorer reads `similarity` and `novelty`, float32 (1), of both signatures; and `ssim`, float32 (1), `error_map`,
 * float32 (1, S, S, 1), and `inpainted`, uint8 (1, S, S, 3), of `explain`.
 */
export type Outputs = Readonly<Record<string, ArrayLike<number> | undefined>>;

/**
 * Runs a signature of `mim.tflite` once.
 *
 * @param signature its name.
 * @param image its input `image`, uint8 (1, S, S, 3).
 */
export type Run = (signature: "verdict" | "explain", image: Uint8Array<ArrayBuffer>) => Promise<Outputs>;

/** The result for a photograph that is large enough. */
export interface Judged {
  /** Higher: more similar to the class. Unbounded for the measure `deep`. For logs. */
  readonly similarity: number;
  /** The p-value of the class, in (0, 1]. For logs: 0.42 does not mean 42 % mpox. */
  readonly pClass: number;
  /** The p-value of other skin, in (0, 1]. For logs. */
  readonly pOther: number;
  readonly verdict: Verdict;
  /** The reason for `cannot-judge`, else null. */
  readonly reason: GateReason;
}

/** A result with what it is based on. */
export interface Explained extends Judged {
  /** Mean structural similarity of the inpainting, at most 1. */
  readonly ssim: number;
  /** 1 - SSIM at each of S x S pixels. */
  readonly errorMap: Float32Array;
  /** S x S pixels. */
  readonly inpainted: Rgb;
}

/** The result for a photograph that is too small. Nothing was computed. */
export type TooSmall<Result extends Judged> = {
  readonly [Name in keyof Result]: Name extends "verdict" ? "cannot-judge" : Name extends "reason" ? "too small" : null;
};

/**
 * Judges photographs with a bundle.
 *
 * The graph also outputs p-values, a verdict and a reason. They are not read: `decide.ts` computes them from the
 * similarity and the novelty, and the golden files check that the results are equal.
 *
 * @example
 * const scorer = new Scorer(manifest, run);
 * (await scorer.judge(photo)).verdict // "mpox-like"
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
   * @param photo upright, of any size.
   * @returns the verdict and the numbers behind it. `reason` is `too small` if and only if the numbers are null.
   * @throws MimError if `photo` is not a valid image, or the model's outputs do not match this bundle.
   */
  async judge(photo: Rgb): Promise<Judged | TooSmall<Judged>> {
    const image = this.#prepare(photo);
    if (image === null) return TOO_SMALL;
    // A copy, because `run` may transfer the buffer to a worker and the gate reads the pixels again.
    return this.#decide(image, await this.#run("verdict", new Uint8Array(image.data)));
  }

  /**
   * Judges one photograph like `judge`, and returns the inpainting and its error map as well.
   *
   * @param photo upright, of any size.
   * @throws MimError as for `judge`.
   */
  async explain(photo: Rgb): Promise<Explained | TooSmall<Explained>> {
    const { size } = this.#manifest;
    const image = this.#prepare(photo);
    if (image === null) return { ...TOO_SMALL, ssim: null, errorMap: null, inpainted: null };
    const outputs = await this.#run("explain", new Uint8Array(image.data));
    return {
      ...this.#decide(image, outputs),
      ssim: values(outputs, "ssim", 1)[0],
      errorMap: Float32Array.from(values(outputs, "error_map", size * size)),
      inpainted: { width: size, height: size, data: Uint8Array.from(values(outputs, "inpainted", 3 * size * size)) },
    };
  }

  /** The S x S pixels of a photograph; null if it is too small. */
  #prepare(photo: Rgb): Rgb | null {
    const { gate: limits, size } = this.#manifest;
    checkImage(photo.width, photo.height, photo.data.length, 3);
    return Math.min(photo.width, photo.height) < limits.min_side ? null : resample(photo, size);
  }

  #decide(image: Rgb, outputs: Outputs): Judged {
    const { calibration, gate: limits, reference } = this.#manifest;
    const similarity = values(outputs, "similarity", 1)[0];
    const [ofClass, ofOther] = [pClass(similarity, calibration), pOther(similarity, reference)];
    const reason = gate(image, limits, values(outputs, "novelty", 1)[0]);
    return {
      similarity,
      pClass: ofClass,
      pOther: ofOther,
      verdict: verdict(ofClass, ofOther, reason, calibration.alpha, reference.beta),
      reason,
    };
  }
}

const TOO_SMALL: TooSmall<Judged> = {
  similarity: null,
  pClass: null,
  pOther: null,
  verdict: "cannot-judge",
  reason: "too small",
};

function values(outputs: Outputs, name: string, length: number): ArrayLike<number> {
  const output = outputs[name];
  if (output?.length !== length) {
    const problem = `the output ${name} has ${output?.length ?? "no"} values, not ${length}`;
    throw new MimError(problem, "run the signature that the scorer asks for, of the bundle's mim.tflite");
  }
  return output;
}
