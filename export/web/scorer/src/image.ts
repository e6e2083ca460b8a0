import { MimError, tooLarge } from "./errors.js";

/** Largest number of pixels of a photograph. */
const MAX_PIXELS = 250_000_000;

/** An image of 8 bits: interleaved red, green and blue, in rows from the top. */
export interface Rgb {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** 3 width height values. */
  readonly data: Uint8Array;
}

/**
 * Checks the dimensions of an image.
 *
 * @param width in pixels.
 * @param height in pixels.
 * @param length number of values; must be `channels` for each pixel.
 * @param channels 1, 3 or 4.
 * @throws MimError if the sides are not positive integers, their product is above 250 million, or the length is wrong.
 * @example
 * checkImage(2, 2, 11, 3); // MimError: 11 values are not an image of 2 x 2 pixels; pass 3 values for each pixel
 */
export function checkImage(width: number, height: number, length: number, channels: number): void {
  checkPixels(width, height);
  const sides = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!sides || length !== channels * width * height) {
    const problem = `${length} values are not an image of ${width} x ${height} pixels`;
    throw new MimError(problem, `pass ${channels} value${channels === 1 ? "" : "s"} for each pixel`);
  }
}

/**
 * Checks the number of pixels of a photograph, which its header states.
 *
 * @param width in pixels.
 * @param height in pixels.
 * @throws PhotoError `too large` for more than 250 million pixels.
 * @example
 * checkPixels(16_320, 12_240); // 200 megapixels: returns
 */
export function checkPixels(width: number, height: number): void {
  if (width * height > MAX_PIXELS) throw tooLarge("has more than 250,000,000 pixels");
}

/**
 * Applies an EXIF orientation. Browsers do this when they decode an image.
 *
 * @param image the pixels as stored in the file.
 * @param orientation the value of EXIF tag 274. 1 and undefined values, such as 0, do not change the image.
 * @returns the upright image; 5 to 8 swap width and height.
 * @throws MimError if `image` is not a valid image.
 * @example
 * // Red left of blue: orientation 6 puts red above blue.
 * upright({ width: 2, height: 1, data: new Uint8Array([255, 0, 0, 0, 0, 255]) }, 6).height // 2
 */
export function upright(image: Rgb, orientation: number): Rgb {
  const { width, height, data } = image;
  checkImage(width, height, data.length, 3);
  if (![2, 3, 4, 5, 6, 7, 8].includes(orientation)) return image;
  const swapped = orientation >= 5;
  const { fromRight, fromBelow } = reversed(orientation);
  // Steps in the source for one step to the right and one step down in the result.
  const along = fromRight ? -3 : 3;
  const across = fromBelow ? -3 * width : 3 * width;
  const [right, down] = swapped ? [across, along] : [along, across];
  const first = (fromRight ? 3 * (width - 1) : 0) + (fromBelow ? 3 * width * (height - 1) : 0);
  const [columns, rows] = swapped ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  let target = 0;
  for (let y = 0; y < rows; y++) {
    let source = first + y * down;
    for (let x = 0; x < columns; x++, source += right) {
      turned[target++] = data[source];
      turned[target++] = data[source + 1];
      turned[target++] = data[source + 2];
    }
  }
  return { width: columns, height: rows, data: turned };
}

/** Whether an EXIF orientation shows the stored columns from the right, and the stored rows from below. */
export function reversed(orientation: number): { fromRight: boolean; fromBelow: boolean } {
  return { fromRight: [2, 3, 7, 8].includes(orientation), fromBelow: [3, 4, 6, 7].includes(orientation) };
}

/**
 * Composites an image with alpha over white: (c a + 255 (255 - a) + 127) div 255.
 *
 * @param rgba 4 width height values, 0 to 255, alpha not premultiplied, such as `getImageData(...).data`.
 * @param width in pixels.
 * @param height in pixels.
 * @throws MimError if `rgba` does not have these dimensions.
 * @example
 * overWhite(new Uint8Array([200, 100, 0, 128]), 1, 1).data // 227, 177, 127
 */
export function overWhite(rgba: Uint8Array | Uint8ClampedArray, width: number, height: number): Rgb {
  checkImage(width, height, rgba.length, 4);
  const data = new Uint8Array(3 * width * height);
  let target = 0;
  for (let source = 0; source < rgba.length; source += 4) {
    const alpha = rgba[source + 3];
    if (alpha === 255) {
      // The same result, much faster: photographs are opaque.
      data[target++] = rgba[source];
      data[target++] = rgba[source + 1];
      data[target++] = rgba[source + 2];
      continue;
    }
    const white = 255 * (255 - alpha) + 127;
    // The quotient is below 256, so | 0 is its floor.
    data[target++] = ((rgba[source] * alpha + white) / 255) | 0;
    data[target++] = ((rgba[source + 1] * alpha + white) / 255) | 0;
    data[target++] = ((rgba[source + 2] * alpha + white) / 255) | 0;
  }
  return { width, height, data };
}

/**
 * Scales 16-bit grey to 8 bits: (v + 128) div 257, so that 65535 becomes 255. Many decoders drop the low byte instead.
 *
 * @param grey width height values, 0 to 65535.
 * @param width in pixels.
 * @param height in pixels.
 * @throws MimError if `grey` does not have these dimensions.
 * @example
 * grey16(new Uint16Array([0, 128, 129, 65535]), 2, 2).data // 0 0 0, 0 0 0, 1 1 1, 255 255 255
 */
export function grey16(grey: Uint16Array, width: number, height: number): Rgb {
  checkImage(width, height, grey.length, 1);
  const data = new Uint8Array(3 * grey.length);
  grey.forEach((value, i) => data.fill(Math.floor((value + 128) / 257), 3 * i, 3 * i + 3));
  return { width, height, data };
}
