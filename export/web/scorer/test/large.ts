import { decode, encode } from "jpeg-js";

/** Pixels of a side of a block of a JPEG. */
const BLOCK = 8;

/** A photograph of many pixels that needs little memory to make: 8 rows, again and again. */
export interface Large {
  readonly jpeg: Buffer;
  /** The 8 rows as jpeg-js decodes them, 3 width values each. */
  readonly rows: Uint8Array;
}

/**
 * Makes a JPEG of any size: the data of 8 rows are repeated with restart markers between them.
 *
 * @param width in pixels, a multiple of 8.
 * @param height in pixels, a multiple of 8, at most 65,528.
 */
export function largeJpeg(width: number, height: number): Large {
  const data = Buffer.alloc(4 * BLOCK * width, 255);
  for (let i = 0; i < data.length; i += 4) {
    const x = (i / 4) % width;
    data[i] = 160 + Math.round(60 * Math.sin(x / 701));
    data[i + 1] = 110 + Math.round(50 * Math.sin(x / 433));
    data[i + 2] = Math.round((100 * x) / width);
  }
  const strip = encode({ data, width, height: BLOCK }, 90).data;
  const decoded = decode(strip, { useTArray: true }).data;
  const frame = strip.indexOf(Buffer.of(0xff, 0xc0));
  const scan = strip.indexOf(Buffer.of(0xff, 0xda));
  const head = Buffer.from(strip.subarray(0, scan));
  head.writeUInt16BE(height, frame + 5);
  const interval = Buffer.of(0xff, 0xdd, 0, 4, 0, 0);
  interval.writeUInt16BE(width / BLOCK, 4);
  const start = scan + 2 + strip.readUInt16BE(scan + 2);
  const part = strip.subarray(start, -2);
  const parts = Array.from({ length: height / BLOCK - 1 }, (_, i) => [part, Buffer.of(0xff, 0xd0 + (i % 8))]);
  const scanHead = strip.subarray(scan, start);
  return {
    jpeg: Buffer.concat([head, interval, scanHead, ...parts.flat(), part, Buffer.of(0xff, 0xd9)]),
    rows: decoded.filter((_, i) => i % 4 < 3),
  };
}
