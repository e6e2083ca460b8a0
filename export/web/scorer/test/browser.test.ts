/** The whole application in a browser: files, `decode`, the README's worker with LiteRT.js and its page, verdicts. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeAll, describe, expect, it } from "vitest";
import { resultOf } from "./browser/serve.js";
import { bundle, golden, largest, png } from "./golden.js";
import { expectGolden } from "./tolerance.js";

const candidates = [process.env.CHROMIUM ?? "chromium", "chromium-browser", "google-chrome"];
const chromium = candidates.find((name) => spawnSync(name, ["--version"]).status === 0);

/** An image of more pixels than `decode` reads at a time. */
const large = {
  width: 1301,
  height: 1603,
  data: Uint8Array.from({ length: 3 * 1301 * 1603 }, (_, i) => (i * i) >> 7),
};

describe.skipIf(chromium === undefined)("in Chromium", () => {
  let result: any;

  beforeAll(async () => {
    result = await resultOf(chromium!, encode({ ...large, channels: 3 }));
    if (result.failed !== undefined) throw new Error(result.failed);
  }, 120_000);

  it.each(golden.decoded.map((entry, number) => ({ ...entry, number })))("decodes $file", (entry) => {
    const { width, height, data } = png(entry.expected);
    const found = result.decoded[entry.number];
    expect([found.width, found.height]).toEqual([width, height]);
    // Chromium drops the low byte of 16 bits.
    const dropped = entry.file === "grey16.png" ? 1 : 0;
    expect(largest(found.data, data)).toBeLessThanOrEqual(entry.tolerance + dropped);
  });

  it.each(golden.images.map((entry, number) => ({ ...entry, number })))("scores $number $name", ({ number }) => {
    expectGolden(number, result.scores[number]);
  });

  it("shows verdict or reason of the photograph chosen last, with the statement", () => {
    const { statement } = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8"));
    const expected = golden.images.map(({ verdict, reason }) => (reason ? `cannot-judge: ${reason}` : verdict));
    expect(result.shown).toEqual([...expected.map((text) => `${text} (${statement})`), ""]);
    expect(new Set(expected).size).toBeGreaterThan(1);
  });

  it("answers by the id of the photograph", () => {
    expect(result.ids).toEqual(result.ids.map((_: number, place: number) => place));
  });

  it("decodes more than one strip exactly", () => {
    expect(Buffer.from(result.digest)).toEqual(createHash("sha256").update(large.data).digest());
  });

  it("refuses HEIC by name, and a damaged file", () => {
    expect(result.refused.error).toMatch(/^a HEIC photograph, which is not supported; save it as JPEG/);
    expect(result.damaged.error).toBe("not a readable image; replace the file with a JPEG, PNG or WebP photograph");
  });
});
