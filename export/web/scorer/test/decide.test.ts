/** The rules at their limits, which the golden images do not reach. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contrast, detail, gate, pValue, Scorer, verdict } from "../src/index.js";
import { manifest } from "./golden.js";

const stripes = { width: 2, height: 2, data: Uint8Array.of(0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255) };
const limits = { min_contrast: 0.5, min_detail: 0.5, min_side: 2, max_novelty: 0.1 };

describe("p-value", () => {
  it("counts groups, not images", () => {
    const table = { similarities: [0.5, 0.7, 0.9], weights: [1, 0.5, 0.5], groups: 2, alpha: 0.05 };
    expect(pValue(0.6, table)).toBe(Math.fround(2 / 3));
    expect(pValue(0.8, table)).toBe(Math.fround(2.5 / 3));
  });

  it("counts equal similarities of the table, in float32", () => {
    const table = { similarities: [0.7], weights: [1], groups: 1, alpha: 0.05 };
    expect(Math.fround(0.7)).toBeLessThan(0.7); // a graph's 0.7
    expect(pValue(Math.fround(0.7), table)).toBe(1);
  });

  it("rises with the similarity, between 1 / (G + 1) and 1", () => {
    const { calibration } = manifest;
    const least = Math.fround(1 / (calibration.groups + 1));
    const [any, upward] = [fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true })];
    fc.assert(
      fc.property(any, upward, (s, more) => {
        const [p, higher] = [pValue(s, calibration), pValue(s + more, calibration)];
        expect(p).toBeGreaterThanOrEqual(least);
        expect(higher).toBeGreaterThanOrEqual(p);
        expect(higher).toBeLessThanOrEqual(1 + 1e-6);
      }),
    );
  });
});

describe("verdict", () => {
  it.each([
    [0.05, 0.05, "not-mpox-like"],
    [0.0500005, 0.05, "not-mpox-like"], // another order of a float32 sum
    [0.050002, 0.05, "mpox-like"],
    [Math.fround(2 / 40), 1 - 0.95, "not-mpox-like"],
  ])("of p = %f at alpha = %f is %s", (p, alpha, expected) => {
    expect(verdict(p, null, alpha)).toBe(expected);
    expect(verdict(p, "blurred", alpha)).toBe("cannot-judge");
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
      const score = await scorer.score({ width, height, data: new Uint8Array(3 * width * height) });
      expect([score.verdict, score.reason, score.similarity]).toEqual(["cannot-judge", "too small", null]);
    }
  });
});
