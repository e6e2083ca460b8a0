import { type Rgb } from "./image.js";
import { resample } from "./resample.js";

/** A photograph, upright, as far as a scorer needs it. */
export interface Photograph {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Its centre square, resampled to S x S pixels. */
  readonly image: Rgb;
}

/**
 * A photograph from all of its pixels, as other decoders than `decode` return them.
 *
 * @param pixels upright, of any size.
 * @param size S, the manifest's `size`.
 * @throws MimError if `pixels` is not a valid image.
 * @throws PhotoError `too large` for more than 250 million pixels.
 * @example
 * await scorer.judge(photographOf(upright(overWhite(rgba, 4032, 3024), 6), manifest.size));
 */
export function photographOf(pixels: Rgb, size: number): Photograph {
  return { width: pixels.width, height: pixels.height, image: resample(pixels, size) };
}
