/** Properties, and values from other implementations. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, errorMap, fractions, filled, maskLabels, overWhite, resample } from "../src/index.js";
import { Resampler, ssim, upright, type Rgb } from "../src/index.js";
import { largest, manifest } from "./golden.js";

const images = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) })
  .chain(({ width, height }) => {
    const values = fc.uint8Array({ minLength: 3 * width * height, maxLength: 3 * width * height });
    return values.map((data): Rgb => ({ width, height, data }));
  });
const maskSets = fc.record({
  cells: fc.integer({ min: 1, max: 8 }),
  cell: fc.integer({ min: 1, max: 5 }),
  count: fc.integer({ min: 2, max: 9 }),
  step: fc.integer({ min: 1, max: 5 }),
});

describe("image", () => {
  it("is unchanged after an orientation and its inverse", () => {
    const inverse = [1, 2, 3, 4, 5, 8, 7, 6];
    fc.assert(
      fc.property(images, fc.integer({ min: 1, max: 8 }), (image, orientation) => {
        expect(upright(upright(image, orientation), inverse[orientation - 1])).toEqual(image);
      }),
    );
  });

  it("is unchanged if the orientation is not defined", () => {
    const image = { width: 2, height: 1, data: new Uint8Array(6) };
    expect([0, 9].map((orientation) => upright(image, orientation))).toEqual([image, image]);
  });

  it("is composited over white exactly, for each colour and alpha", () => {
    const rgba = Uint8Array.from({ length: 4 * 65536 }, (_, i) => (i % 4 === 3 ? (i >> 2) >> 8 : (i >> 2) & 255));
    const expected = Uint8Array.from({ length: 65536 }, (_, i) => {
      const [colour, alpha] = [BigInt(i & 255), BigInt(i >> 8)];
      return Number((colour * alpha + 255n * (255n - alpha) + 127n) / 255n);
    });
    const { data } = overWhite(rgba, 256, 256);
    expect(largest(data.filter((_, i) => i % 3 === 1), expected)).toBe(0);
  });
});

describe("resample", () => {
  it("is the area average in integers, shrunk or enlarged", () => {
    fc.assert(
      fc.property(images, fc.integer({ min: 1, max: 24 }), (image, side) => {
        expect(Array.from(resample(image, side).data)).toEqual(areaAverage(image, side));
      }),
    );
  });

  it("takes rows in any portions, of an image in any orientation", () => {
    const portions = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 12 });
    fc.assert(
      fc.property(images, fc.integer({ min: 1, max: 24 }), portions, (image, side, counts) => {
        for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
          const { width, height, data } = image;
          const resampler = new Resampler(width, height, side, orientation);
          let row = 0;
          for (const count of [...counts, height]) {
            const end = Math.min(height, row + count);
            resampler.add(data.subarray(3 * width * row, 3 * width * end));
            row = end;
          }
          expect(resampler.result()).toEqual(resample(upright(image, orientation), side));
        }
      }),
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("finds the centre square of orientation %i at odd differences", (orientation) => {
    // Of 5 x 2 and 2 x 5 pixels the squares at offsets 1 and 2 differ.
    for (const [width, height] of [[5, 2], [2, 5], [4, 1], [1, 4]]) {
      const image = { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => 8 * i) };
      const resampler = new Resampler(width, height, 2, orientation);
      resampler.add(image.data);
      expect(Array.from(resampler.result().data)).toEqual(areaAverage(upright(image, orientation), 2));
    }
  });

  it("is exact at 250 million pixels", () => {
    // White has the largest sums.
    const resampler = new Resampler(15_811, 15_811, 192);
    const white = new Uint8Array(3 * 15_811).fill(255);
    for (let row = 1; row < 15_811; row++) resampler.add(white);
    resampler.add(white.fill(213));
    // The last target row weighs the last source row by 192 / 15,811: 255 - 42 * 192 / 15,811 = 254.49.
    const { data } = resampler.result();
    expect(data.subarray(0, -3 * 192).every((value) => value === 255)).toBe(true);
    expect(data.subarray(-3 * 192).every((value) => value === 254)).toBe(true);
  });

  it("takes less than 300 ms for 12 megapixels and preserves one colour exactly", () => {
    const photo = { width: 4032, height: 3024, data: new Uint8Array(3 * 4032 * 3024).fill(201) };
    const milliseconds = [1, 2, 3].map(() => {
      const start = performance.now();
      expect(resample(photo, 192).data.every((value) => value === 201)).toBe(true);
      return performance.now() - start;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(300);
  });
});

describe("masks", () => {
  it("hide each pixel exactly once, and the inpainting takes it from there", () => {
    fc.assert(
      fc.property(maskSets, ({ cells, cell, count, step }) => {
        const size = cells * cell;
        const labels = maskLabels({ size, cell, count, step });
        const white = { width: size, height: size, data: new Uint8Array(3 * size * size).fill(255) };
        const inputs = Array.from({ length: count }, (_, mask) => filled(white, labels, mask));
        const hidden = Array.from(labels, (_, i) => inputs.filter((input) => input[4 * i + 3] === -128).length);
        expect(hidden.every((times) => times === 1)).toBe(true);
        const outputs = inputs.map((_, mask) => new Int8Array(3 * size * size).fill(mask - 128));
        expect(Array.from(assemble(outputs, labels)).filter((_, i) => i % 3 === 0)).toEqual(Array.from(labels));
      }),
    );
  });
});

it("fill hidden pixels by averages, as the contract's examples say", () => {
  const labels = new Uint8Array([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]);
  const row = [10, 0, 0, 20].flatMap((level) => [level, level, level]);
  const image = { width: 4, height: 4, data: new Uint8Array([...row, ...row, ...row, ...row]) };
  const reds = Array.from(filled(image, labels, 1)).filter((_, i) => i % 4 === 0);
  expect(reds.map((red) => red + 128)).toEqual([10, 14, 17, 20, 10, 14, 17, 20, 10, 14, 17, 20, 10, 14, 17, 20]);
  fc.assert(
    fc.property(maskSets, fc.integer({ min: 0, max: 255 }), ({ cells, cell, count, step }, level) => {
      const size = cells * cell;
      const constant = { width: size, height: size, data: new Uint8Array(3 * size * size).fill(level) };
      const input = filled(constant, maskLabels({ size, cell, count, step }), 0);
      const anyKept = input.some((value, i) => i % 4 === 3 && value === 127);
      const expected = anyKept ? level - 128 : -128;
      expect(input.every((value, i) => i % 4 === 3 || value === expected)).toBe(true);
    }),
  );
});

it("assigns cells to masks as the manifest states", () => {
  const labels = maskLabels({ size: 4, cell: 1, count: 2, step: 1 });
  expect(Array.from(labels)).toEqual([0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0]);
});

describe("SSIM", () => {
  const side = 16;
  const levels = fc.uint8Array({ minLength: 3 * side * side, maxLength: 3 * side * side });

  it("is 1 of an image and itself, symmetric, and at most 1", () => {
    fc.assert(
      fc.property(levels, levels, (a, b) => {
        const [x, y] = [fractions(a), fractions(b)];
        expect(ssim(x, x, side, manifest.measure)).toBe(1);
        expect(errorMap(x, x, side, manifest.measure).every((error) => error === 0)).toBe(true);
        expect(ssim(x, y, side, manifest.measure)).toBeCloseTo(ssim(y, x, side, manifest.measure), 12);
        expect(ssim(x, y, side, manifest.measure)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 20 },
    );
  });

  it("equals scikit-image's", () => {
    const made = (level: (x: number, y: number, c: number) => number) => {
      return Uint8Array.from({ length: 3 * side * side }, (_, i) => {
        return level(Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3) % 256;
      });
    };
    const x = fractions(made((x, y, c) => 7 * x + 13 * y + 29 * c));
    const y = fractions(made((x, y, c) => 11 * x + 5 * y + x * y + 40 * c));
    // structural_similarity(x, y, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    // channel_axis=-1), of scikit-image 0.26; for the map of images padded by 5 with numpy's mode "symmetric".
    expect(ssim(x, y, side, manifest.measure)).toBeCloseTo(0.1500406038526457, 12);
    const map = errorMap(x, y, side, manifest.measure);
    expect(map[0]).toBeCloseTo(0.18047642178070333, 12);
    expect(map[3 * side + 14]).toBeCloseTo(1.1235141912528275, 12);
    expect(map[15 * side + 7]).toBeCloseTo(0.7703044296154071, 12);
  });
});

/** The definition, pixel by pixel, in arbitrary precision. */
function areaAverage({ width, height, data }: Rgb, side: number): number[] {
  const square = Math.min(width, height);
  const [left, top] = [(width - square) >> 1, (height - square) >> 1];
  const overlap = (j: number, i: number) => {
    return BigInt(Math.max(0, Math.min((i + 1) * side, (j + 1) * square) - Math.max(i * side, j * square)));
  };
  const area = BigInt(square * square);
  return Array.from({ length: 3 * side * side }, (_, n) => {
    const [y, x, channel] = [Math.floor(n / (3 * side)), Math.floor(n / 3) % side, n % 3];
    let sum = 0n;
    for (let i = 0; i < square; i++) {
      for (let k = 0; k < square; k++) {
        sum += overlap(y, i) * overlap(x, k) * BigInt(data[3 * ((top + i) * width + left + k) + channel]);
      }
    }
    return Number((2n * sum + area) / (2n * area));
  });
}
