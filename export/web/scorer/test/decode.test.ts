/** The encoded files that Node can decode; test/browser.test.ts decodes all of them in a browser. */

import { decode } from "jpeg-js";
import { describe, expect, it } from "vitest";
import { checkFile, overWhite, upright, type Rgb } from "../src/index.js";
import { orientationOf } from "./exif.js";
import { golden, largest, png, read } from "./golden.js";

describe.each(golden.decoded)("$file", ({ file, expected, tolerance }) => {
  it("is of a known format", () => {
    checkFile(read(file).subarray(0, 12));
  });

  it.skipIf(file.endsWith(".webp"))("becomes the expected pixels", () => {
    const found = file.endsWith(".jpg") ? jpeg(file) : png(file);
    const { width, height, data } = png(expected);
    expect([found.width, found.height]).toEqual([width, height]);
    expect(largest(found.data, data)).toBeLessThanOrEqual(tolerance);
  });
});

function jpeg(file: string): Rgb {
  const { width, height, data } = decode(read(file), { useTArray: true });
  return upright(overWhite(data, width, height), orientationOf(read(file)));
}
