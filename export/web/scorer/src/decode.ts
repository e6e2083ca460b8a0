import { readContainer } from "./container.js";
import { MimError, tooLarge, unreadable } from "./errors.js";
import { checkFile } from "./file.js";
import { checkPixels, overWhite } from "./image.js";
import type { Photograph } from "./photograph.js";
import { centreSquare, Resampler } from "./resample.js";

/** Number of pixels that are read at a time: in some browsers a canvas of more than 16 million pixels stays blank. */
const STRIP = 1_000_000;
const NO_MEMORY = "needs more memory than the browser has";

/**
 * Decodes a photograph in a browser or in a worker and resamples it: upright, alpha over white.
 *
 * The pixels are read in strips, so that this takes a few megabytes more than the browser's own decoder. PNG and WebP
 * files of 8 bits give exactly the pixels of the file. For 16 bits, browsers may drop the low byte, which costs one
 * level. A canvas stores premultiplied colours; composited over white, they round to the same levels.
 *
 * @param file for example from an `<input type="file">`.
 * @param size S, the manifest's `size`.
 * @throws PhotoError `unreadable` if the file is not a whole JPEG, PNG or WebP; `too large` if it has more than 250
 *   million pixels, before it is decoded, or more than the browser has memory for.
 * @throws MimError if the browser alters what is read from a canvas; see `checkCanvas`.
 * @example
 * const photo = await decode(input.files[0], manifest.size);
 * photo.width // 3024, of 3024 x 4032 for a portrait photograph of a 12 MP phone
 */
export async function decode(file: Blob, size: number): Promise<Photograph> {
  checkFile(new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  const { width, height, orientation, pixels } = await readContainer(file);
  checkPixels(width, height);
  await checkCanvas();
  const bitmap = await bitmapOf(pixels);
  try {
    if (bitmap.width !== width || bitmap.height !== height) throw unreadable();
    const { left, top, side } = centreSquare(width, height, orientation);
    const resampler = new Resampler(side, side, size, orientation);
    const rows = Math.min(side, Math.ceil(STRIP / side));
    const context = contextOf(side, rows);
    for (let y = 0; y < side; y += rows) {
      const count = Math.min(rows, side - y);
      context.drawImage(bitmap, -left, -top - y);
      resampler.add(overWhite(context.getImageData(0, 0, side, count).data, side, count).data);
    }
    const turned = orientation >= 5;
    return { width: turned ? height : width, height: turned ? width : height, image: resampler.result() };
  } finally {
    bitmap.close();
  }
}

let exact = false;

/**
 * Checks, once for each thread, that a canvas returns the pixels that were drawn.
 *
 * Protection against fingerprinting (Brave, Firefox with `resistFingerprinting`, Tor Browser, private windows of Safari)
 * adds noise to them or replaces them, without an error. A verdict would then be for another picture.
 *
 * @throws MimError if a pixel differs.
 * @example
 * await checkCanvas(); // returns, or: MimError: this browser alters the pixels that a page reads from a canvas, ...
 */
export async function checkCanvas(): Promise<void> {
  if (exact) return;
  const side = 256;
  // Opaque, and different at each pixel: browsers leave areas of one colour as they are.
  const pattern = new ImageData(side, side);
  pattern.data.forEach((_, i, data) => (data[i] = i % 4 === 3 ? 255 : Math.imul(i, 0x9e3779b1) >>> 24));
  const bitmap = await bitmapOf(pattern);
  const context = contextOf(side, side);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const found = context.getImageData(0, 0, side, side).data;
  exact = found.every((value, i) => value === pattern.data[i]);
  if (exact) return;
  throw new MimError(
    "this browser alters the pixels that a page reads from a canvas, to protect against fingerprinting",
    "allow this site to read canvas data in the browser's privacy settings and load it again, or use another browser",
  );
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  // Without this hint Chromium may keep the canvas on a GPU and read it back slowly.
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw tooLarge(NO_MEMORY);
  context.globalCompositeOperation = "copy";
  return context;
}

async function bitmapOf(pixels: Blob | ImageData): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(pixels, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch (error) {
    // There is no error of its own for a lack of memory.
    if (error instanceof RangeError || /alloc|memory/i.test(String(error))) throw tooLarge(NO_MEMORY);
    throw unreadable();
  }
}
