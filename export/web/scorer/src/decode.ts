import { unreadable } from "./errors.js";
import { checkFile } from "./file.js";
import { checkPixels, overWhite } from "./image.js";
import type { Photograph } from "./photograph.js";
import { Resampler } from "./resample.js";

/** Number of pixels that are read at a time: in some browsers a canvas of more than 16 million pixels stays blank. */
const STRIP = 1_000_000;

export async function decode(file: Blob, size: number): Promise<Photograph> {
  checkFile(new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image",
    // Pixels as stored: other targets do not convert them to the colour space of the screen either.
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  }).catch(() => {
    throw unreadable();
  });
  const { width, height } = bitmap;
  checkPixels(width, height);
  const resampler = new Resampler(width, height, size);
  const rows = Math.min(height, Math.ceil(STRIP / width));
  // Without this hint Chromium may keep the canvas on a GPU and read it back slowly.
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true })!;
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.drawImage(bitmap, 0, -top);
    resampler.add(overWhite(context.getImageData(0, 0, width, count).data, width, count).data);
  }
  bitmap.close();
  return { width, height, image: resampler.result() };
}
