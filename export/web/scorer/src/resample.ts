import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";

interface Overlaps {
  /** For each target pixel, the first source pixel that it overlaps. */
  readonly first: Int32Array;
  /** For each target pixel, the number of source pixels that it overlaps. */
  readonly count: Int32Array;
  /** Lengths of the overlaps in units of 1 / side pixel, for one target pixel after the other. */
  readonly weights: Float64Array;
}

/**
 * Resamples the centre square of an image by exact area average.
 *
 * The centre square has side N = min(width, height) and offset floor((length - N) / 2). In units of 1 / side
 * pixel, source pixel i covers [i side, (i + 1) side) and target pixel j covers [j N, (j + 1) N); a weight is the
 * length of their overlap. The result is rounded once: floor((2 sum + N^2) / (2 N^2)).
 *
 * @param image the upright photograph.
 * @param side side of the result in pixels; a smaller image is enlarged by the same rule.
 * @returns side x side pixels.
 * @throws MimError if `image` is not a valid image or `side` is not a positive integer.
 * @example
 * // The 2 x 2 image 0, 10, 20, 31 (in each channel) at side 1: (122 + 4) div 8 = 15.
 * const data = new Uint8Array([0, 0, 0, 10, 10, 10, 20, 20, 20, 31, 31, 31]);
 * resample({ width: 2, height: 2, data }, 1).data // 15, 15, 15
 */
export function resample(image: Rgb, side: number): Rgb {
  const { width, height, data } = image;
  checkImage(width, height, data.length, 3);
  if (!Number.isInteger(side) || side < 1) {
    throw new MimError(`an image cannot have a side of ${side} pixels`, "pass the manifest's size");
  }
  const square = Math.min(width, height);
  const top = Math.floor((height - square) / 2);
  const left = Math.floor((width - square) / 2);
  const { first, count, weights } = overlaps(square, side);
  const result = new Uint8Array(3 * side * side);
  const row = new Float64Array(3 * side);
  // The source row whose sums are in `row`. Often the last source row of a target row is the first one of the next.
  let inRow = -1;
  const sums = new Float64Array(3 * side);
  let weight = 0;
  for (let y = 0; y < side; y++) {
    sums.fill(0);
    for (let i = first[y]; i < first[y] + count[y]; i++) {
      if (i !== inRow) {
        addUpRow(data, 3 * ((top + i) * width + left), first, count, weights, row);
        inRow = i;
      }
      const w = weights[weight++];
      for (let x = 0; x < row.length; x++) sums[x] += w * row[x];
    }
    // This is exact in doubles. Sums are integers of at most 255 N^2; with N <= 10,000 (100 million pixels),
    // 2 sum + N^2 is below 6e10, far below 2^53. A quotient of two such integers that is not an integer is at least
    // 1 / (2 N^2) > 4e-9 below the next integer. Doubles below 256 have a spacing of 3e-14, so the division cannot
    // round up to that integer, and the floor is the integer quotient.
    const area = square * square;
    for (let x = 0; x < sums.length; x++) {
      result[y * sums.length + x] = Math.floor((2 * sums[x] + area) / (2 * area));
    }
  }
  return { width: side, height: side, data: result };
}

function overlaps(square: number, side: number): Overlaps {
  const first = new Int32Array(side);
  const count = new Int32Array(side);
  const weights = new Float64Array(square + 2 * side);
  let n = 0;
  for (let j = 0; j < side; j++) {
    first[j] = Math.floor((j * square) / side);
    count[j] = Math.ceil(((j + 1) * square) / side) - first[j];
    for (let i = first[j]; i < first[j] + count[j]; i++) {
      weights[n++] = Math.min((i + 1) * side, (j + 1) * square) - Math.max(i * side, j * square);
    }
  }
  return { first, count, weights };
}

/** Writes the weighted sums along the source row that begins at `start` to `row`: three for each target column. */
function addUpRow(
  data: Uint8Array,
  start: number,
  first: Int32Array,
  count: Int32Array,
  weights: Float64Array,
  row: Float64Array,
): void {
  let weight = 0;
  for (let x = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    const end = start + 3 * (first[x] + count[x]);
    for (let source = start + 3 * first[x]; source < end; source += 3) {
      const w = weights[weight++];
      red += w * data[source];
      green += w * data[source + 1];
      blue += w * data[source + 2];
    }
    row[3 * x] = red;
    row[3 * x + 1] = green;
    row[3 * x + 2] = blue;
  }
}
