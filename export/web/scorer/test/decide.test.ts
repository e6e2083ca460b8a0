/** The rules at their limits, which the golden images do not reach. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contrast, detail, gate, pClass, photographOf, pOther, Scorer, verdict } from "../src/index.js";
import { manifest } from "./golden.js";

const stripes = { width: 2, height: 2, data: Uint8Array.of(0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255) };
const limits = { min_contrast: 0.5, min_detail: 0.5, min_side: 2, max_novelty: 0.1 };

describe("the p-value of the class", () => {
  it("counts groups, not images", () => {
    const table = { similarities: [0.5, 0.7, 0.9], weights: [1, 0.5, 0.5], groups: 2 };
    expect(pClass(0.6, table)).toBe(Math.fround(2 / 3));
    expect(pClass(0.8, table)).toBe(Math.fround(2.5 / 3));
  });

  it("rises with the similarity, between 1 / (G + 1) and 1", () => {
    expectMonotone((s) => pClass(s, manifest.calibration), manifest.calibration.groups);
  });
});

describe("the p-value of other skin", () => {
  it("counts conditions alike", () => {
    const table = { similarities: [0.2, 0.4, 0.6], weights: [1.5, 0.75, 0.75], groups: 3 };
    expect(pOther(0.5, table)).toBe(Math.fround(1.75 / 4));
    expect(pOther(0.3, table)).toBe(Math.fround(2.5 / 4));
    expect(pOther(0.1, table)).toBe(1);
  });

  it("is 1 without a table", () => {
    expect(pOther(0.5, { similarities: [], weights: [], groups: 0 })).toBe(1);
  });

  it("falls with the similarity, between 1 / (R + 1) and 1", () => {
    expectMonotone((s) => pOther(-s, manifest.reference), manifest.reference.groups);
  });
});

it("counts equal similarities of a table, in float32", () => {
  const table = { similarities: [0.7], weights: [1], groups: 1 };
  expect(Math.fround(0.7)).toBeLessThan(0.7); // a graph's 0.7
  expect(pClass(Math.fround(0.7), table)).toBe(1);
  expect(pOther(0.7, { ...table, similarities: [Math.fround(0.7)] })).toBe(1);
});

/** Checks that p rises, and its range. */
function expectMonotone(p: (similarity: number) => number, groups: number): void {
  const least = Math.fround(1 / (groups + 1));
  const [any, upward] = [fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true })];
  fc.assert(
    fc.property(any, upward, (s, more) => {
      expect(p(s)).toBeGreaterThanOrEqual(least);
      expect(p(s + more)).toBeGreaterThanOrEqual(p(s));
      expect(p(s + more)).toBeLessThanOrEqual(1 + 1e-6);
    }),
  );
}

describe("verdict", () => {
  it.each([
    [0.4, 0.1, "mpox-like"],
    [0.03, 0.9, "not-mpox-like"],
    [0.4, 0.5, "undecided"],
    [0.03, 0.1, "undecided"],
    [0.05, 0.9, "not-mpox-like"],
    [0.050005, 0.9, "not-mpox-like"], // another order of a float32 sum
    [0.05002, 0.9, "undecided"],
    [0.4, 0.2, "mpox-like"],
    [0.4, 0.200005, "mpox-like"],
    [0.4, 0.20002, "undecided"],
  ])("of the p-values %f and %f is %s", (ofClass, ofOther, expected) => {
    expect(verdict(ofClass, ofOther, null, 0.05, 0.2)).toBe(expected);
    expect(verdict(ofClass, ofOther, "blurred", 0.05, 0.2)).toBe("cannot-judge");
  });

  it("compares with alpha and beta as the manifest's numbers are rounded", () => {
    expect(verdict(Math.fround(2 / 40), 1, null, 1 - 0.95, 0.2)).toBe("not-mpox-like");
    expect(verdict(1, Math.fround(2 / 40), null, 0.2, 1 - 0.95)).toBe("mpox-like");
  });
});

describe("gate", () => {
  it("measures stripes as half and half", () => {
    expect([contrast(stripes), detail(stripes)]).toEqual([0.5, 0.5]);
  });

  it("accepts values at a limit, and checks in order", () => {
    expect(gate(stripes, limits, Math.fround(0.1))).toBe(null);
    expect(gate(stripes, limits, 0.2)).toBe("not skin");
    expect(gate(stripes, { ...limits, max_novelty: null }, 0.2)).toBe(null);
    expect(gate(stripes, { ...limits, min_detail: 0.6 }, 0.2)).toBe("blurred");
    expect(gate(stripes, { ...limits, min_detail: 0.6, min_contrast: 0.6 }, 0.2)).toBe("blank");
  });

  it("refuses a photograph by its shorter side, before the model is run", async () => {
    const scorer = new Scorer(manifest, () => Promise.reject(new Error("the model was run")));
    const [long, short] = [5 * manifest.gate.min_side, manifest.gate.min_side - 1];
    for (const [width, height] of [[long, short], [short, long]]) {
      const pixels = { width, height, data: new Uint8Array(3 * width * height) };
      expect(await scorer.judge(photographOf(pixels, manifest.size))).toEqual({
        verdict: "cannot-judge",
        reason: "too small",
        remedy: `take a photograph whose sides are ${short + 1} pixels or more`,
        similarity: null,
        pClass: null,
        pOther: null,
      });
    }
  });
});
