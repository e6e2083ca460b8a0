import { MimError } from "./errors.js";
import { checkFile } from "./file.js";
import { checkImage, overWhite, type Rgb } from "./image.js";

/** Number of pixels that are read at a time: in some browsers a canvas of more than 16 million pixels stays blank. */
const STRIP = 1_000_000;

/**
 * Decodes a photograph in a browser or in a worker: upright, alpha over white.
 *
 * PNG and WebP files of 8 bits give exactly the pixels of the file. For 16 bits, browsers may drop the low byte, which
 * costs one level. A canvas stores premultiplied colours; composited over white, they round to the same levels.
 *
 * @param file for example from an `<input type="file">`.
 * @returns the photograph at its full size.
 * @throws MimError if the file is not a readable JPEG, PNG or WebP, or has more than 100 million pixels.
 * @example
 * const photo = await decode(input.files[0]); // 3024 x 4032 for a portrait photograph of a 12 MP phone
 */
export async function decode(file: Blob): Promise<Rgb> {
  checkFile(new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image",
    // Pixels as stored: other targets do not convert them to the colour space of the screen either.
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  }).catch(() => {
    throw new MimError("not a readable image", "replace the file with a JPEG, PNG or WebP photograph");
  });
  const { width, height } = bitmap;
  checkImage(width, height, 3 * width * height, 3);
  const data = new Uint8Array(3 * width * height);
  const rows = Math.min(height, Math.ceil(STRIP / width));
  // Without this hint Chromium may keep the canvas on a GPU and read it back slowly.
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true })!;
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.drawImage(bitmap, 0, -top);
    const strip = overWhite(context.getImageData(0, 0, width, count).data, width, count);
    data.set(strip.data, 3 * width * top);
  }
  bitmap.close();
  return { width, height, data };
}
