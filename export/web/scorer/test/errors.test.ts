/** Invalid input gives one line with the problem and the remedy, and never a verdict. */

import { describe, expect, it } from "vitest";
import { assemble, checkFile, checkModel, gate, grey16, filled, MimError, overWhite } from "../src/index.js";
import { parseManifest, pClass, photographOf, pOther, resample, Resampler, Scorer, ssim } from "../src/index.js";
import { upright, verdict } from "../src/index.js";
import type { Manifest, Outputs } from "../src/index.js";
import { manifest, picture, text } from "./golden.js";

const broken = { width: 2, height: 2, data: new Uint8Array(11) };
const blank = { width: 2, height: 2, data: new Uint8Array(12) };
const tiny = new Float64Array(12);
const head = (content: string) => Uint8Array.from(content, (character) => character.charCodeAt(0));

describe.each<[string, () => unknown]>([
  ["a HEIC photograph, which is not supported; save it as JPEG", () => checkFile(head("\0\0\0\x18ftypheic"))],
  ["a HEIC photograph, which is not supported; save it as JPEG", () => checkFile(head("\0\0\0\x24ftypmif1\0\0\0\0"))],
  ["not a readable image; replace the file with a JPEG, PNG or WebP photograph", () => checkFile(head("GIF89a"))],
  ["not a readable image; replace the file with a JPEG, PNG or WebP photograph", () => checkFile(head(""))],
  ["11 values are not an image of 2 x 2 pixels; pass 3 values for each pixel", () => upright(broken, 1)],
  ["11 values are not an image of 2 x 2 pixels; pass 3 values for each pixel", () => resample(broken, 1)],
  ["11 values are not an image of 2 x 2 pixels; pass 3 values for each", () => filled(broken, new Uint8Array(4), 0)],
  ["0 values are not an image of 0 x 5 pixels; pass 4 values", () => overWhite(new Uint8Array(), 0, 5)],
  ["3 values are not an image of 1.5 x 2 pixels; pass 1 value for", () => grey16(new Uint16Array(3), 1.5, 2)],
  ["more than 250,000,000 pixels; shrink the image", () => overWhite(new Uint8Array(), 25_001, 10_000)],
  ["an image cannot have a side of 0 pixels; pass the manifest's size", () => resample(blank, 0)],
  ["12 values do not fit a mask set of 9 pixels; resample", () => filled(blank, new Uint8Array(9), 0)],
  ["9 values do not fit a mask set of 4 pixels; resample", () => assemble([new Int8Array(9)], new Uint8Array(4))],
  ["1 outputs are too few; run mim_micro.tflite for each mask", () => assemble([new Int8Array(3)], Uint8Array.of(1))],
  ["12 and 3 values are not two images", () => ssim(tiny, new Float64Array(3), 2, manifest.measure)],
  ["pass two images of the same side, at least 11 pixels", () => ssim(tiny, tiny, 2, manifest.measure)],
  ["the similarity is NaN, not a finite number; run mim.tflite on the CPU", () => pClass(NaN, manifest.calibration)],
  ["the similarity is NaN, not a finite number; run mim.tflite on the CPU", () => pOther(NaN, manifest.reference)],
  ["the novelty is Infinity, not a finite number", () => gate(blank, manifest.gate, Infinity)],
  ["the p-value of the class is NaN, not a finite number", () => verdict(NaN, 1, null, 0.05, 0.2)],
  ["the p-value of other skin is NaN, not a finite number", () => verdict(1, NaN, null, 0.05, 0.2)],
  ["manifest.json: not JSON; export the bundle again", () => parseManifest("{")],
  ["manifest.json: bundle format undefined, this version reads 4; export", () => parseManifest("null")],
  ["manifest.json: bundle format 3, this version reads 4; export the bundle again", () => changed({ format: 3 })],
  ["manifest.json: size is missing or invalid", () => changed({ size: 0 })],
  ["manifest.json: mask_set.size is missing or invalid", () => changed({ mask_set: {} })],
  ["manifest.json: mask_set.cell", () => changed({ mask_set: { size: 96, cell: 7, count: 4, step: 2 } })],
  ["manifest.json: measure.name", () => changed({ measure: null })],
  ["manifest.json: measure.window", () => changed({ measure: { ...manifest.measure, window: 10 } })],
  ["manifest.json: gate.min_side", () => changed({ gate: {} })],
  ["manifest.json: gate.max_novelty", () => changed({ gate: { ...manifest.gate, max_novelty: "6" } })],
  ["manifest.json: calibration.alpha", () => recalibrated({ alpha: 1 })],
  ["manifest.json: calibration.similarities", () => recalibrated({ similarities: [2, 1] })],
  ["manifest.json: calibration.weights", () => recalibrated({ similarities: [], weights: [] })],
  ["manifest.json: calibration.weights", () => recalibrated({ weights: [1] })],
  ["manifest.json: reference.beta is missing or invalid", () => changed({ reference: undefined })],
  ["manifest.json: reference.beta", () => referred({ beta: 0 })],
  ["manifest.json: reference.threshold", () => referred({ threshold: undefined })],
  ["manifest.json: reference.groups", () => referred({ groups: -1 })],
  ["manifest.json: reference.similarities", () => referred({ similarities: null })],
  ["manifest.json: reference.similarities", () => referred({ similarities: [1e39] })],
  ["manifest.json: reference.similarities", () => referred({ similarities: [2, 1] })],
  ["manifest.json: reference.weights", () => referred({ similarities: [1, 2], weights: [1], groups: 1 })],
  ["manifest.json: reference.weights", () => referred({ similarities: [1, 2], weights: [2, 0], groups: 2 })],
  ["manifest.json: reference.weights", () => referred({ similarities: [1, 2], weights: [1, 1.1], groups: 2 })],
  ["manifest.json: reference.weights", () => referred({ similarities: [], weights: [], groups: 1 })],
  ["manifest.json: verdicts is missing or invalid", () => changed({ verdicts: [] })],
  ["manifest.json: reasons is missing or invalid", () => changed({ reasons: undefined })],
  ["manifest.json: files is missing or invalid", () => changed({ files: null })],
  ["mim.tflite: differs from its sha256 in manifest", () => checkModel(manifest, "mim.tflite", new Uint8Array(3))],
  ["manifest.json: does not list none.tflite; ", () => checkModel(manifest, "none.tflite", new Uint8Array(3))],
  ["11 values are not an image of 2 x 2 pixels; pass 3 values", () => photographOf(broken, 192)],
  ["11 values are not an image of 2 x 2 pixels; pass 3 values", () => scorer({}).judge({ ...photo, image: broken })],
  ["an image of 2 x 2 pixels; resample it to 192 x 192", () => scorer({}).judge({ ...photo, image: blank })],
  ["more than 250,000,000 pixels; shrink the image", () => new Resampler(25_001, 10_000, 192)],
  ["6 values are not rows of 4 pixels, at most 1; add each row of the image once", () => fed(6)],
  ["24 values are not rows of 4 pixels, at most 1; add each row of the image once", () => fed(24)],
  ["only 0 of 1 rows were added; add all rows of the image", () => fed(0).result()],
  ["the output similarity has no values, not 1; run the signature that", () => scorer({}).judge(photo)],
  ["the output novelty has 2 values, not 1; run", () => scorer({ ...outputs, novelty: [1, 2] }).judge(photo)],
  ["the output error_map has no values, not", () => scorer({ ...outputs, ssim: [0] }).explain(photo)],
  ["the similarity is NaN, not a finite number", () => scorer({ ...outputs, similarity: [NaN] }).judge(photo)],
])("%s", (message, act) => {
  it("is a message of one line", async () => {
    const error = await Promise.resolve().then(act).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MimError);
    expect((error as MimError).message).toContain(message);
    expect((error as MimError).message).not.toContain("\n");
  });
});

const photo = photographOf(picture(0, "resampled"), manifest.size);
const outputs = { similarity: [0], novelty: [0] };

it("accepts a table of other skin that is empty", () => {
  const empty = { similarities: [], weights: [], groups: 0, threshold: null };
  expect(referred(empty).reference).toMatchObject(empty);
});

function changed(entries: object): Manifest {
  return parseManifest(JSON.stringify({ ...JSON.parse(text), ...entries }));
}

function recalibrated(entries: object): Manifest {
  return changed({ calibration: { ...manifest.calibration, ...entries } });
}

function referred(entries: object): Manifest {
  return changed({ reference: { ...manifest.reference, ...entries } });
}

function fed(length: number): Resampler {
  const resampler = new Resampler(4, 1, 1);
  resampler.add(new Uint8Array(length));
  return resampler;
}

function scorer(values: Outputs): Scorer {
  return new Scorer(manifest, async () => values);
}
