/** A video of one made picture, which Chromium shows in place of a camera. */
import { readFileSync, writeFileSync } from "node:fs";
import { decode } from "fast-png";

export const WIDTH = 640;
export const HEIGHT = 480;

/** The arguments with which Chromium takes the picture of its camera from a file, and lets pages use it. */
export function cameraArguments(file) {
  return [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${file}`,
  ];
}

/**
 * Reads a square picture that fills the centre square of the frames.
 *
 * @param {string} file a PNG.
 * @returns {(x: number, y: number, channel: number) => number} the level at a position of the frame.
 */
export function readFrame(file) {
  const { width, height, channels, data } = decode(readFileSync(file));
  return (x, y, channel) => {
    const column = Math.floor(((x - (WIDTH - HEIGHT) / 2) * width) / HEIGHT);
    const row = Math.floor((y * height) / HEIGHT);
    // Beside the square, its edge goes on.
    const inside = Math.min(Math.max(column, 0), width - 1);
    return data[channels * (row * width + inside) + channel];
  };
}

/**
 * Writes a video of one frame in YUV 4:2:0, BT.601 with limited range, as Chromium reads it.
 *
 * @param {string} file its name must end in `.y4m`.
 * @param {(x: number, y: number, channel: number) => number} level of `readFrame`.
 */
export function writeVideo(file, level) {
  const planes = [1, 4, 4].map((part) => new Uint8Array((WIDTH * HEIGHT) / part));
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [r, g, b] = [0, 1, 2].map((channel) => level(x, y, channel));
      planes[0][y * WIDTH + x] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
      if (x % 2 || y % 2) continue;
      const i = (y / 2) * (WIDTH / 2) + x / 2;
      planes[1][i] = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
      planes[2][i] = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
    }
  }
  const header = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\nFRAME\n`;
  writeFileSync(file, Buffer.concat([Buffer.from(header), ...planes]));
}
