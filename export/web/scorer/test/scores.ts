/** The results of this scorer for the golden images, given the outputs of the models. */

import { assemble, contrast, detail, fractions, gate, maskLabels, pClass, pOther, resample } from "../src/index.js";
import { ssim, verdict, type Reason, type Rgb, type Verdict } from "../src/index.js";
import { golden, manifest, masks, picture } from "./golden.js";

/** Names are those of `golden.json`. */
interface Scores {
  /** null if the bundle has no masks. */
  readonly ssim: number | null;
  readonly contrast: number;
  readonly detail: number;
  readonly p_class: number;
  readonly p_other: number;
  readonly verdict: Verdict;
  readonly reason: Reason;
}

/** The scores of golden image `number`, from 0. */
export function scores(number: number): Scores {
  const { similarity, novelty } = golden.images[number];
  const photo = picture(number, "input");
  const image = resample(photo, manifest.size);
  const small = Math.min(photo.width, photo.height) < manifest.gate.min_side;
  const reason = small ? "too small" : gate(image, manifest.gate, novelty);
  const { calibration, reference } = manifest;
  const [p_class, p_other] = [pClass(similarity, calibration), pOther(similarity, reference)];
  return {
    ssim: masks ? similarityOf(number, image) : null,
    contrast: contrast(image),
    detail: detail(image),
    p_class,
    p_other,
    verdict: verdict(p_class, p_other, reason, calibration.alpha, reference.beta),
    reason,
  };
}

/** Prints a line of JSON for each golden image. */
export function print(): void {
  golden.images.forEach((_, number) => console.log(JSON.stringify(scores(number))));
}

function similarityOf(number: number, image: Rgb): number {
  const { size } = manifest.mask_set!;
  const inpainting = fractions(inpaintingOf(number));
  return ssim(fractions(resample(image, size).data), inpainting, size, manifest.measure);
}

/** The inpainting, assembled from `NN_micro.png`: the outputs q + 128 for all masks, side by side. */
export function inpaintingOf(number: number): Uint8Array {
  const { size, count } = manifest.mask_set!;
  const wide = picture(number, "micro").data;
  const outputs = Array.from({ length: count }, (_, mask) => {
    return Int8Array.from({ length: 3 * size * size }, (_, i) => {
      const [y, x] = [Math.floor(i / (3 * size)), i % (3 * size)];
      return wide[3 * size * (y * count + mask) + x] - 128;
    });
  });
  return assemble(outputs, maskLabels(manifest.mask_set!));
}
