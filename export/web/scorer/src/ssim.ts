import { MimError } from "./errors.js";
import type { Measure } from "./manifest.js";

/**
 * Converts levels of pixels, or of an inpainting of `assemble`, to the fractions that SSIM compares.
 *
 * @param levels 0 to 255.
 * @example
 * fractions(new Uint8Array([51, 255])) // 0.2, 1
 */
export function fractions(levels: Uint8Array): Float64Array {
  return Float64Array.from(levels, (level) => level / 255);
}

/**
 * Mean structural similarity over the windows inside the image and over the channels.
 *
 * @param a 3 side side values in [0, 1], interleaved red, green and blue.
 * @param b the same.
 * @param side in pixels, at least `measure.window`.
 * @param measure `measure` of a manifest: window, sigma, c1 and c2.
 * @returns at most 1; 1 for equal images.
 * @throws MimError if the lengths do not match the side, or the side is smaller than the window.
 * @example
 * // Black against white, with c1 = 0.0001: c1 / (1 + c1) = 0.0001.
 * ssim(new Float64Array(3 * 121), new Float64Array(3 * 121).fill(1), 11, manifest.measure)
 */
export function ssim(a: Float64Array, b: Float64Array, side: number, measure: Measure): number {
  const map = similarities(a, b, side, measure);
  return map.reduce((sum, value) => sum + value, 0) / map.length;
}

/**
 * 1 - SSIM at each pixel, averaged over the channels. The images are padded by reflection.
 *
 * @param a as for `ssim`.
 * @param b as for `ssim`.
 * @param side in pixels.
 * @param measure as for `ssim`.
 * @returns side side values, 0 where the images are equal.
 * @throws MimError as for `ssim`.
 * @example
 * errorMap(x, x, 96, manifest.measure).every((error) => error === 0) // true
 */
export function errorMap(a: Float64Array, b: Float64Array, side: number, measure: Measure): Float64Array {
  check(a, b, side, measure);
  const border = (measure.window - 1) / 2;
  const [wideA, wideB] = [reflected(a, side, border), reflected(b, side, border)];
  return similarities(wideA, wideB, side + 2 * border, measure).map((value) => 1 - value);
}

/** SSIM of each window, averaged over the channels: (side - window + 1)^2 values. */
function similarities(a: Float64Array, b: Float64Array, side: number, measure: Measure): Float64Array {
  check(a, b, side, measure);
  const { c1, c2 } = measure;
  const taps = window(measure);
  const valid = side - taps.length + 1;
  const map = new Float64Array(valid * valid);
  for (let channel = 0; channel < 3; channel++) {
    const x = Float64Array.from({ length: side * side }, (_, i) => a[3 * i + channel]);
    const y = Float64Array.from({ length: side * side }, (_, i) => b[3 * i + channel]);
    const meanX = means(x, side, taps);
    const meanY = means(y, side, taps);
    const meanXX = means(x.map((value) => value * value), side, taps);
    const meanYY = means(y.map((value) => value * value), side, taps);
    const meanXY = means(x.map((value, i) => value * y[i]), side, taps);
    for (let i = 0; i < map.length; i++) {
      const [mx, my] = [meanX[i], meanY[i]];
      const variances = meanXX[i] - mx * mx + (meanYY[i] - my * my);
      const covariance = meanXY[i] - mx * my;
      const luminance = (2 * mx * my + c1) / (mx * mx + my * my + c1);
      map[i] += luminance * ((2 * covariance + c2) / (variances + c2));
    }
  }
  return map.map((sum) => sum / 3);
}

/** The normalized Gaussian. */
function window(measure: Measure): Float64Array {
  const middle = (measure.window - 1) / 2;
  const taps = Float64Array.from({ length: measure.window }, (_, i) => {
    return Math.exp(-0.5 * ((i - middle) / measure.sigma) ** 2);
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** Weighted means over the windows inside the image, in two passes. */
function means(plane: Float64Array, side: number, taps: Float64Array): Float64Array {
  const valid = side - taps.length + 1;
  const rows = new Float64Array(side * valid);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < valid; x++) {
      let sum = 0;
      for (let k = 0; k < taps.length; k++) sum += taps[k] * plane[y * side + x + k];
      rows[y * valid + x] = sum;
    }
  }
  const result = new Float64Array(valid * valid);
  for (let i = 0; i < result.length; i++) {
    let sum = 0;
    for (let k = 0; k < taps.length; k++) sum += taps[k] * rows[i + k * valid];
    result[i] = sum;
  }
  return result;
}

/** The image padded with `border` pixels at each side: pixel -1 is pixel 0, pixel -2 is pixel 1. */
function reflected(image: Float64Array, side: number, border: number): Float64Array {
  const wide = side + 2 * border;
  const inside = (position: number) => {
    const i = position - border;
    return i < 0 ? -1 - i : i < side ? i : 2 * side - 1 - i;
  };
  const result = new Float64Array(3 * wide * wide);
  for (let y = 0; y < wide; y++) {
    for (let x = 0; x < wide; x++) {
      const source = 3 * (inside(y) * side + inside(x));
      result.set(image.subarray(source, source + 3), 3 * (y * wide + x));
    }
  }
  return result;
}

function check(a: Float64Array, b: Float64Array, side: number, measure: Measure): void {
  if (a.length !== 3 * side * side || b.length !== a.length || side < measure.window) {
    const problem = `${a.length} and ${b.length} values are not two images of ${side} x ${side} pixels`;
    throw new MimError(problem, `pass two images of the same side, at least ${measure.window} pixels`);
  }
}
