/** The colour of the marks: far from the colours of skin, light or dark. */
export const MARK = [64, 0, 255] as const;

/**
 * Adds an alpha of 255.
 *
 * @param rgb 3 values for each pixel.
 * @returns 4 values for each pixel, as `ImageData` takes them.
 * @example
 * withAlpha(new Uint8Array([1, 2, 3])) // 1, 2, 3, 255
 */
export function withAlpha(rgb: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0; i < rgb.length / 3; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}

/**
 * The marks of an error map: transparent up to `low`, opaque from `high` on, linear between.
 *
 * @param errors one value for each pixel, in [0, 2].
 * @returns 4 values for each pixel.
 * @example
 * errorMapPixels(new Float32Array([0.5]), { low: 0, high: 1 }) // 64, 0, 255, 128
 */
export function errorMapPixels(
  errors: Float32Array,
  { low, high }: { readonly low: number; readonly high: number },
): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(4 * errors.length);
  errors.forEach((error, i) => rgba.set([...MARK, (255 * (error - low)) / (high - low)], 4 * i));
  return rgba;
}

/** An S x S picture as a PNG file. */
export async function pngOf(image: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}): Promise<Blob> {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d")!.putImageData(new ImageData(withAlpha(image.data), image.width, image.height), 0, 0);
  return canvas.convertToBlob();
}
