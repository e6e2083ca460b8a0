import { MimError } from "./errors.js";
import { checkImage, reversed, upright, type Rgb } from "./image.js";

/** A square of a stored image, in its pixels. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/**
 * The centre square of a photograph, as a square of the stored image.
 *
 * In the upright photograph it has the side N = min(width, height) and the offset floor((length - N) / 2). If an axis
 * is shown in reverse and length - N is odd, then its offset in the stored image is one pixel larger.
 *
 * @param width of the stored image, in pixels.
 * @param height of the stored image, in pixels.
 * @param orientation the value of EXIF tag 274, 1 to 8.
 * @example
 * centreSquare(5, 2, 1) // { left: 1, top: 0, side: 2 }
 * centreSquare(5, 2, 3) // { left: 2, top: 0, side: 2 }, because it is turned by 180 degrees
 */
export function centreSquare(width: number, height: number, orientation: number): Square {
  const { fromRight, fromBelow } = reversed(orientation);
  const side = Math.min(width, height);
  const offset = (length: number, reverse: boolean) => (reverse ? Math.ceil : Math.floor)((length - side) / 2);
  return { left: offset(width, fromRight), top: offset(height, fromBelow), side };
}

/**
 * Resamples the centre square of an image by exact area average, from rows in portions.
 *
 * In units of 1 / side pixel, source pixel i covers [i side, (i + 1) side) and target pixel j covers [j N, (j + 1) N);
 * a weight is the length of their overlap. The result is rounded once: floor((2 sum + N^2) / (2 N^2)). The state takes
 * 36 bytes for each of `side` columns: three sums of a row, at most 255 N, and three sums of rows, at most 255 N^2.
 *
 * The average is separable and its sums are integers, so the stored image may be resampled before it is turned upright.
 *
 * @example
 * // The 2 x 2 image 0, 10, 20, 31 (in each channel) at side 1: (122 + 4) div 8 = 15.
 * const resampler = new Resampler(2, 2, 1);
 * resampler.add(new Uint8Array([0, 0, 0, 10, 10, 10]));
 * resampler.add(new Uint8Array([20, 20, 20, 31, 31, 31]));
 * resampler.result().data // 15, 15, 15
 */
export class Resampler {
  readonly #width: number;
  readonly #height: number;
  readonly #side: number;
  readonly #orientation: number;
  readonly #square: Square;
  readonly #columns: Columns;
  /** Sums of the current source row, three for each target column. */
  readonly #row: Uint32Array;
  /** Sums of the current target row, three for each target column. */
  readonly #sums: Float64Array;
  readonly #result: Uint8Array;
  /** Stored rows that were added. */
  #added = 0;
  /** Target rows that are complete. */
  #done = 0;

  /**
   * @param width of the stored image, in pixels.
   * @param height of the stored image, in pixels.
   * @param side of the result, in pixels; a smaller image is enlarged by the same rule.
   * @param orientation the value of EXIF tag 274, 1 to 8, which makes the image upright.
   * @throws MimError if a side is not a positive integer.
   * @throws PhotoError `too large` for more than 250 million pixels.
   */
  constructor(width: number, height: number, side: number, orientation = 1) {
    checkImage(width, height, 3 * width * height, 3);
    if (!Number.isInteger(side) || side < 1) {
      throw new MimError(`an image cannot have a side of ${side} pixels`, "pass the manifest's size");
    }
    this.#width = width;
    this.#height = height;
    this.#side = side;
    this.#orientation = orientation;
    this.#square = centreSquare(width, height, orientation);
    this.#columns = overlaps(this.#square.side, side);
    this.#row = new Uint32Array(3 * side);
    this.#sums = new Float64Array(3 * side);
    this.#result = new Uint8Array(3 * side * side);
  }

  /**
   * Adds the next rows of the stored image, from the top.
   *
   * @param rows any number of whole rows, 3 width values each. Rows outside the centre square take no time.
   * @throws MimError if they are not whole rows, or more than the image has.
   */
  add(rows: Uint8Array | Uint8ClampedArray): void {
    const count = rows.length / (3 * this.#width);
    if (!Number.isInteger(count) || this.#added + count > this.#height) {
      const problem = `${rows.length} values are not rows of ${this.#width} pixels, at most ${this.#height}`;
      throw new MimError(problem, "add each row of the image once");
    }
    const { left, top, side } = this.#square;
    const first = Math.max(this.#added, top);
    const end = Math.min(this.#added + count, top + side);
    for (let y = first; y < end; y++) {
      this.#addUpRow(rows, 3 * ((y - this.#added) * this.#width + left));
      this.#addRow(y - top);
    }
    this.#added += count;
  }

  /**
   * The upright result, side x side pixels.
   *
   * @throws MimError before all rows of the centre square were added.
   */
  result(): Rgb {
    if (this.#done < this.#side) {
      throw new MimError(`only ${this.#added} of ${this.#height} rows were added`, "add all rows of the image");
    }
    return upright({ width: this.#side, height: this.#side, data: this.#result }, this.#orientation);
  }

  /** Writes the weighted sums along the source row that begins at `start`. */
  #addUpRow(rows: Uint8Array | Uint8ClampedArray, start: number): void {
    const { first, count, head, tail } = this.#columns;
    const row = this.#row;
    const side = this.#side;
    for (let x = 0; x < side; x++) {
      let at = start + 3 * first[x];
      const w = head[x];
      let red = w * rows[at];
      let green = w * rows[at + 1];
      let blue = w * rows[at + 2];
      const n = count[x];
      if (n > 1) {
        // All pixels between the first and the last one lie inside the target pixel and have the weight `side`.
        const last = at + 3 * (n - 1);
        let [r, g, b] = [0, 0, 0];
        for (at += 3; at < last; at += 3) {
          r += rows[at];
          g += rows[at + 1];
          b += rows[at + 2];
        }
        const v = tail[x];
        red += side * r + v * rows[last];
        green += side * g + v * rows[last + 1];
        blue += side * b + v * rows[last + 2];
      }
      row[3 * x] = red;
      row[3 * x + 1] = green;
      row[3 * x + 2] = blue;
    }
  }

  /** Adds the current source row, number `i` of the square, to the target rows that it overlaps. */
  #addRow(i: number): void {
    const [side, square, row, sums] = [this.#side, this.#square.side, this.#row, this.#sums];
    const end = (i + 1) * side;
    while (this.#done < side && this.#done * square < end) {
      const begin = this.#done * square;
      const weight = Math.min(end, begin + square) - Math.max(i * side, begin);
      for (let x = 0; x < sums.length; x++) sums[x] += weight * row[x];
      if (begin + square > end) return;
      this.#finishRow();
    }
  }

  #finishRow(): void {
    // This is exact in doubles. Sums are integers of at most 255 N^2; with N <= 15,811 (250 million pixels),
    // 2 sum + N^2 is below 2e11, far below 2^53. A quotient of two such integers that is not an integer is at least
    // 1 / (2 N^2) > 1e-9 below the next integer. Doubles below 256 have a spacing of 3e-14, so the division cannot
    // round up to that integer, and the floor is the integer quotient.
    const area = this.#square.side ** 2;
    const start = 3 * this.#side * this.#done;
    const sums = this.#sums;
    for (let x = 0; x < sums.length; x++) this.#result[start + x] = Math.floor((2 * sums[x] + area) / (2 * area));
    sums.fill(0);
    this.#done += 1;
  }
}

/**
 * Resamples the centre square of a whole image; see `Resampler`.
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
  const resampler = new Resampler(width, height, side);
  resampler.add(data);
  return resampler.result();
}

/** What each target column overlaps. */
interface Columns {
  /** The first source pixel. */
  readonly first: Int32Array;
  /** The number of source pixels. */
  readonly count: Int32Array;
  /** The length of the overlap with the first source pixel, in units of 1 / side pixel. */
  readonly head: Int32Array;
  /** The length of the overlap with the last source pixel. */
  readonly tail: Int32Array;
}

function overlaps(square: number, side: number): Columns {
  const [first, count, head, tail] = [0, 0, 0, 0].map(() => new Int32Array(side));
  for (let j = 0; j < side; j++) {
    const [begin, end] = [j * square, (j + 1) * square];
    const last = Math.ceil(end / side) - 1;
    first[j] = Math.floor(begin / side);
    count[j] = last - first[j] + 1;
    head[j] = Math.min((first[j] + 1) * side, end) - begin;
    tail[j] = end - Math.max(last * side, begin);
  }
  return { first, count, head, tail };
}
