import type { Rgb } from "@mim-tf/scorer";

/** The centre square of a video's frame, with the offset of the contract. */
function square(video: HTMLVideoElement): { readonly side: number; readonly left: number; readonly top: number } {
  const { videoWidth: width, videoHeight: height } = video;
  const side = Math.min(width, height);
  return { side, left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2) };
}

/**
 * Takes the centre square of the frame that the video shows.
 *
 * @returns a PNG, so that the pixels are judged that were shown.
 */
export async function takePhotograph(video: HTMLVideoElement): Promise<Blob> {
  const { side, left, top } = square(video);
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d")!.drawImage(video, left, top, side, side, 0, 0, side, side);
  return canvas.convertToBlob({ type: "image/png" });
}

/**
 * Makes a function that returns the centre square of the frame that a video shows now, scaled by the browser: close to
 * the pixels that the model would see, and fast. Its argument is the side of the result, in pixels.
 */
export function sampler(video: HTMLVideoElement): (size: number) => Rgb {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  return (size) => {
    const { side, left, top } = square(video);
    canvas.width = canvas.height = size; // this resets the quality as well
    context.imageSmoothingQuality = "high";
    context.drawImage(video, left, top, side, side, 0, 0, size, size);
    const rgba = context.getImageData(0, 0, size, size).data;
    const data = new Uint8Array(3 * size * size);
    for (let i = 0; i < size * size; i++) data.set(rgba.subarray(4 * i, 4 * i + 3), 3 * i);
    return { width: size, height: size, data };
  };
}
