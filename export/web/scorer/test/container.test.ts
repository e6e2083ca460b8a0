/** The structure of files, and the encoded files that Node can decode; test/browser.test.ts decodes all of them. */

import { crc32 } from "node:zlib";
import fc from "fast-check";
import { decode as decodePng } from "fast-png";
import { decode } from "jpeg-js";
import { describe, expect, it } from "vitest";
import { checkFile, overWhite, PhotoError, readContainer, upright, type Rgb } from "../src/index.js";
import { golden, largest, png, read } from "./golden.js";

const jpeg = read("exif_6.jpg");
const [webp, grey] = [read("lossless.webp"), read("grey.png")];
/** An EXIF directory with the orientation 6. */
const turned = Buffer.from("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", "latin1");

describe.each(golden.decoded)("$file", ({ file, expected, tolerance }) => {
  it("is of a known format, and its header states the size", async () => {
    checkFile(read(file).subarray(0, 12));
    const { width, height, orientation } = await container(read(file));
    const sides = [png(expected).width, png(expected).height];
    expect([width, height]).toEqual(orientation >= 5 ? sides.reverse() : sides);
    expect(orientation).toBe(Number(/exif_(\d)/.exec(file)?.[1] ?? 1));
  });

  it.skipIf(file.endsWith(".webp"))("becomes the expected pixels", async () => {
    const found = file.endsWith(".jpg") ? await pixelsOf(read(file)) : png(file);
    const { width, height, data } = png(expected);
    expect([found.width, found.height]).toEqual([width, height]);
    expect(largest(found.data, data)).toBeLessThanOrEqual(tolerance);
  });
});

describe("metadata", () => {
  it("of a JPEG are left out, and the first EXIF counts", async () => {
    const exif = segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), turned]));
    const other = Buffer.concat([segment(0xe1, Buffer.from("http://ns.adobe.com/xap/1.0/\0")), segment(0xfe, turned)]);
    const upside = segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), edited(turned, 19, 3)]));
    const file = read("grey.jpg");
    const plain = await container(file);
    const found = await container(insert(file, 2, Buffer.concat([other, exif, upside])));
    expect(found.orientation).toBe(6);
    expect(await bytes(found.pixels)).toEqual(await bytes(plain.pixels));
  });

  it("of a PNG are left out, and count only with a right checksum", async () => {
    const plain = await bytes((await container(grey)).pixels);
    for (const [chunk, orientation] of [
      [pngChunk("eXIf", turned), 6],
      [pngChunk("eXIf", turned, 1), 1],
    ] as const) {
      const found = await container(insert(grey, 33, Buffer.concat([pngChunk("tEXt", turned, 1), chunk])));
      expect(found.orientation).toBe(orientation);
      expect(await bytes(found.pixels)).toEqual(plain);
    }
  });

  it("of a WebP are left out", async () => {
    const plain = await container(webp);
    const data = webp.subarray(12);
    const extended = Buffer.from("VP8X\x0a\0\0\0\x28\0\0\0\0\0\0\0\0\0", "latin1");
    extended.writeUIntLE(plain.width - 1, 12, 3);
    extended.writeUIntLE(plain.height - 1, 15, 3);
    const exif = Buffer.concat([Buffer.from("EXIF\0\0\0\0"), turned]);
    exif.writeUInt32LE(turned.length, 4);
    const found = await container(riff(Buffer.concat([extended, data, exif])));
    expect([found.width, found.height, found.orientation]).toEqual([plain.width, plain.height, 6]);
    extended[8] = 0;
    expect(await bytes(found.pixels)).toEqual(riff(Buffer.concat([extended, data])));
  });

  it("of a PNG that lacks its end are repaired", async () => {
    const { pixels } = await container(grey.subarray(0, -12));
    expect(decodePng(await bytes(pixels)).data).toEqual(decodePng(grey).data);
  });
});

describe.each<[string, Buffer]>([
  ["a JPEG without its last byte", jpeg.subarray(0, -1)],
  ["half of a JPEG", jpeg.subarray(0, jpeg.length / 2)],
  [
    "a JPEG without a frame",
    Buffer.concat([jpeg.subarray(0, 2), jpeg.subarray(jpeg.lastIndexOf(Buffer.of(0xff, 0xda)))]),
  ],
  [
    "a JPEG with 65 scans",
    Buffer.concat([jpeg.subarray(0, -2), ...Array(64).fill(segment(0xda, turned)), jpeg.subarray(-2)]),
  ],
  ["a JPEG of one segment", Buffer.of(0xff, 0xd8, 0xff)],
  ["a PNG without image data", grey.subarray(0, 33)],
  ["half of a WebP", webp.subarray(0, webp.length / 2)],
  ["a WebP of an unknown kind", Buffer.concat([webp.subarray(0, 12), Buffer.from("VP9 "), webp.subarray(16)])],
])("%s", (_, content) => {
  it("is unreadable", async () => {
    const error = await container(content).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PhotoError);
    expect((error as PhotoError).reason).toBe("unreadable");
  });
});

it("reads any damaged file, or says that it is unreadable", async () => {
  const files = fc.constantFrom(jpeg, webp, grey, read("palette_alpha.png"));
  const changes = fc.array(fc.record({ at: fc.nat(400), value: fc.nat(255) }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(files, changes, fc.nat(3000), async (file, edits, cut) => {
      const damaged = Buffer.from(file.subarray(0, Math.max(12, file.length - cut)));
      for (const { at, value } of edits) if (at < damaged.length && at > 11) damaged[at] = value;
      const result = await container(damaged).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(PhotoError);
    }),
    { numRuns: 300 },
  );
});

it("reads the orientation of both byte orders, and no other type", async () => {
  const little = Buffer.from("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0", "latin1");
  const found = async (exif: Buffer) => (await container(insert(grey, 33, pngChunk("eXIf", exif)))).orientation;
  expect(await found(little)).toBe(8);
  expect(await found(Buffer.concat([Buffer.from("Exif\0\0"), turned]))).toBe(6);
  expect(await found(edited(turned, 19, 9))).toBe(1); // no such orientation
  expect(await found(edited(turned, 13, 2))).toBe(1); // text
  expect(await found(edited(turned, 17, 2))).toBe(1); // two values
  expect(await found(edited(turned, 7, 200))).toBe(1); // outside of the block
  expect(await found(edited(turned, 9, 0))).toBe(1); // an empty directory
});

function container(content: Uint8Array) {
  return readContainer(new Blob([new Uint8Array(content)]));
}

async function bytes(blob: Blob): Promise<Buffer> {
  return Buffer.from(await blob.arrayBuffer());
}

async function pixelsOf(content: Buffer): Promise<Rgb> {
  const { pixels, orientation } = await container(content);
  const { width, height, data } = decode(await bytes(pixels), { useTArray: true });
  return upright(overWhite(data, width, height), orientation);
}

function segment(code: number, body: Buffer): Buffer {
  const head = Buffer.of(0xff, code, 0, 0);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

function pngChunk(kind: string, body: Buffer, error = 0): Buffer {
  const content = Buffer.concat([Buffer.from(kind), body]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length);
  frame.writeUInt32BE((crc32(content) ^ error) >>> 0, 4);
  return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
}

function riff(chunks: Buffer): Buffer {
  const head = Buffer.from("RIFF\0\0\0\0WEBP");
  head.writeUInt32LE(chunks.length + 4, 4);
  return Buffer.concat([head, chunks]);
}

function insert(content: Buffer, at: number, more: Buffer): Buffer {
  return Buffer.concat([content.subarray(0, at), more, content.subarray(at)]);
}

function edited(content: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(content);
  copy[at] = value;
  return copy;
}
