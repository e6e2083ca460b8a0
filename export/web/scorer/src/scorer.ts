import { gate, pClass, pOther, verdict } from "./decide.js";
import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";
import type { GateReason, Manifest, RefusedReason, Verdict } from "./manifest.js";
import type { Photograph } from "./photograph.js";

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

/** The result for a photograph that the model has seen. */
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
  /** What the user can do about the reason, in one line; null without a reason. */
  readonly remedy: string | null;
}

/** A result with what it is based on. */
export interface Explained extends Judged {
  /** The S x S pixels that the model has seen: the centre square of the photograph. */
  readonly image: Rgb;
  /** Mean structural similarity of the inpainting, at most 1. */
  readonly ssim: number;
  /** 1 - SSIM at each of S x S pixels. */
  readonly errorMap: Float32Array;
  /** S x S pixels. */
  readonly inpainted: Rgb;
}

/** The result for a file for which nothing was computed: a type for each reason, so that TypeScript can tell them. */
export type Refused = { [Reason in RefusedReason]: RefusedFor<Reason> }[RefusedReason];

interface RefusedFor<Reason> {
  readonly similarity: null;
  readonly pClass: null;
  readonly pOther: null;
  readonly verdict: "cannot-judge";
  readonly reason: Reason;
  /** What the user can do, in one line. */
  readonly remedy: string;
}

/** The result of `explain` for a file for which nothing was computed. */
export type RefusedExplained = Refused & {
  readonly image: null;
  readonly ssim: null;
  readonly errorMap: null;
  readonly inpainted: null;
};

/**
 * The result of `judge` for a file for which nothing was computed.
 *
 * @param reason why.
 * @param remedy what the user can do, in one line.
 * @example
 * refused("too large", "shrink the image").verdict // "cannot-judge"
 */
export function refused(reason: RefusedReason, remedy: string): Refused {
  return { similarity: null, pClass: null, pOther: null, verdict: "cannot-judge", reason, remedy };
}

/** The result of `explain` for a file for which nothing was computed; see `refused`. */
export function refusedExplained(reason: RefusedReason, remedy: string): RefusedExplained {
  return { ...refused(reason, remedy), image: null, ssim: null, errorMap: null, inpainted: null };
}

/**
 * Judges photographs with a bundle.
 *
 * The graph also outputs p-values, a verdict and a reason. They are not read: `decide.ts` computes them from the
 * similarity and the novelty, and the golden files check that the results are equal.
 *
 * @example
 * const scorer = new Scorer(manifest, run);
 * (await scorer.judge(photographOf(pixels, manifest.size))).verdict // "mpox-like"
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
   * @param photo of `photographOf` or `decode`.
   * @returns the verdict and the numbers behind it; they are null for a photograph that is `too small`.
   * @throws MimError if the image is not S x S pixels, or the model's outputs do not match this bundle.
   */
  async judge(photo: Photograph): Promise<Judged | Refused> {
    const remedy = this.#check(photo);
    if (remedy !== null) return refused("too small", remedy);
    // A copy, because `run` may transfer the buffer to a worker and the gate reads the pixels again.
    return this.#decide(photo.image, await this.#run("verdict", new Uint8Array(photo.image.data)));
  }

  /**
   * Judges one photograph like `judge`, and returns its pixels, the inpainting and the error map as well.
   *
   * @param photo of `photographOf` or `decode`.
   * @throws MimError as for `judge`.
   */
  async explain(photo: Photograph): Promise<Explained | RefusedExplained> {
    const { size } = this.#manifest;
    const remedy = this.#check(photo);
    if (remedy !== null) return refusedExplained("too small", remedy);
    const outputs = await this.#run("explain", new Uint8Array(photo.image.data));
    return {
      ...this.#decide(photo.image, outputs),
      image: photo.image,
      ssim: values(outputs, "ssim", 1)[0],
      errorMap: Float32Array.from(values(outputs, "error_map", size * size)),
      inpainted: { width: size, height: size, data: Uint8Array.from(values(outputs, "inpainted", 3 * size * size)) },
    };
  }

  /** What to do about a photograph that is too small; null if it is large enough. */
  #check({ width, height, image }: Photograph): string | null {
    const { gate: limits, size } = this.#manifest;
    checkImage(image.width, image.height, image.data.length, 3);
    if (image.width !== size || image.height !== size) {
      throw new MimError(`an image of ${image.width} x ${image.height} pixels`, `resample it to ${size} x ${size}`);
    }
    if (Math.min(width, height) >= limits.min_side) return null;
    return `take a photograph whose sides are ${limits.min_side} pixels or more`;
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
      remedy: reason && REMEDIES[reason],
    };
  }
}

const REMEDIES: Readonly<Record<NonNullable<GateReason>, string>> = {
  blank: "take a photograph of skin, in good light",
  blurred: "hold the camera still and let it focus",
  "not skin": "take a photograph of a lesion, close up",
};

function values(outputs: Outputs, name: string, length: number): ArrayLike<number> {
  const output = outputs[name];
  if (output?.length !== length) {
    const problem = `the output ${name} has ${output?.length ?? "no"} values, not ${length}`;
    throw new MimError(problem, "run the signature that the scorer asks for, of the bundle's mim.tflite");
  }
  return output;
}
