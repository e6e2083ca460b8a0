import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("document", { documentElement: { dataset: {} }, baseURI: "http://localhost/" });
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {} }));
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {} });

const { hintOf } = await import("../src/camera/hints");
const { problemOf } = await import("../src/camera/stream");
const { errorMapPixels, withAlpha } = await import("../src/pixels");
const { parsePreferences } = await import("../src/preferences");
const { decimals, ofThousand, shareText } = await import("../src/shares");

describe("shares", () => {
  const text = { one: "{n} is", other: "{n} are" };
  it.each([
    [0.7424357, "74 are"],
    [0.0263158, "3 are"],
    [0.0053, "1 is"],
    [0.0001, "1 is"],
    [0.995, "100 are"],
    [1, "100 are"],
  ])("says %f of 1 as a number of 100", (p, expected) => expect(shareText(text, p, {})).toBe(expected));

  it("counts wrong results of 1000", () => expect([0.05, 0.2, 0.123].map(ofThousand)).toEqual([50, 200, 123]));

  it.each([
    [0.5, 0.05, "0.50", "0.05"],
    [1, 0.2, "1.00", "0.20"],
    [0.0542, 0.05, "0.054", "0.050"],
    [0.2003, 0.2, "0.2003", "0.2000"],
    // Excluded: the bar ends at the mark or before it.
    [0.05, 0.05, "0.05", "0.05"],
    [0.0498, 0.05, "0.05", "0.05"],
  ])("writes %f beside a limit of %f so that they agree with the bar", (p, limit, value, mark) =>
    expect(decimals(p, limit)).toEqual([value, mark]),
  );
});

describe("pixels", () => {
  it("adds alpha", () =>
    expect([...withAlpha(new Uint8Array([1, 2, 3, 4, 5, 6]))]).toEqual([1, 2, 3, 255, 4, 5, 6, 255]));

  it("draws errors transparent up to low, opaque from high, linear between", () => {
    const alphas = (errors: number[]) => {
      const pixels = errorMapPixels(new Float32Array(errors), { low: 0.2, high: 1 });
      return errors.map((_, i) => pixels[4 * i + 3]);
    };
    expect(alphas([0, 0.2, 0.6, 1, 2])).toEqual([0, 0, 128, 255, 255]);
  });
});

describe("hints", () => {
  const gate = { min_contrast: 0.02, min_detail: 0.002 };
  const grey = (levels: (x: number, y: number) => number) => {
    const data = new Uint8Array(3 * 64 * 64);
    for (let i = 0; i < 64 * 64; i++) data.fill(levels(i % 64, Math.floor(i / 64)), 3 * i, 3 * i + 3);
    return { width: 64, height: 64, data };
  };
  it.each([
    ["dark", grey(() => 20)],
    ["bright", grey(() => 255)],
    ["blank", grey(() => 128)],
    // A slope of 1 level in 2 pixels: a contrast of 9 / 255, a detail of 0.5 / 255 in one direction of two.
    ["blurred", grey((x) => 100 + x / 2)],
    ["good", grey((x, y) => 100 + 20 * ((x + y) % 2))],
  ])("%s", (expected, frame) => expect(hintOf(frame, gate)).toBe(expected));

  it("says nothing on sharpness without a manifest", () =>
    expect(
      hintOf(
        grey(() => 128),
        null,
      ),
    ).toBe("light"));
});

describe("errors of the camera", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["SecurityError", "denied"],
    ["NotFoundError", "missing"],
    ["OverconstrainedError", "missing"],
    ["NotReadableError", "busy"],
  ])("%s means %s", (name, problem) => expect(problemOf(new DOMException("", name))).toBe(problem));
});

describe("preferences", () => {
  const defaults = { language: null, theme: "auto", history: false };
  it.each([
    [null, defaults],
    ["{", defaults],
    ["3", defaults],
    ['{"language": "xx", "theme": "pink", "history": 1}', defaults],
    ['{"language": "sw", "theme": "dark", "history": true}', { language: "sw", theme: "dark", history: true }],
  ])("reads %s", (text, expected) => expect(parsePreferences(text)).toEqual(expected));
});
