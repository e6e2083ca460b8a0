import { REASONS, VERDICTS } from "./decide.js";
import { MimError } from "./errors.js";

/** The format of bundles that this version reads. */
const FORMAT = 2;
const REMEDY = "export the bundle again or load all of its files from one folder";

/** The fixed masks: pixel (y, x) is hidden by mask (x div cell + (y div cell) step) mod count. */
export interface MaskSet {
  /** Side of the image that is inpainted, in pixels. */
  readonly size: number;
  /** Side of a cell, in pixels. */
  readonly cell: number;
  readonly count: number;
  readonly step: number;
}

/** Constants of SSIM. */
export interface Measure {
  readonly name: string;
  /** Side of the window in pixels, odd. */
  readonly window: number;
  readonly sigma: number;
  readonly c1: number;
  readonly c2: number;
}

/** The conformal table. */
export interface Calibration {
  readonly similarities: readonly number[];
  readonly weights: readonly number[];
  readonly groups: number;
  /** In (0, 1). */
  readonly alpha: number;
}

/** Limits beyond which an image cannot be judged. */
export interface Gate {
  readonly min_contrast: number;
  readonly min_detail: number;
  /** Least shorter side of a photograph, in pixels. */
  readonly min_side: number;
  /** null where nothing is asked. */
  readonly max_foreignness: number | null;
}

/** What a scorer needs of `manifest.json`, by the names that it has there. */
export interface Manifest {
  readonly version: string;
  readonly statement: string;
  readonly normal_class: string;
  /** Side S of the image that `mim.tflite` takes, in pixels. */
  readonly size: number;
  /** null where nothing is masked. */
  readonly mask_set: MaskSet | null;
  readonly measure: Measure;
  readonly calibration: Calibration;
  readonly gate: Gate;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

const COUNTS = ["size", "measure.window", "calibration.groups", "gate.min_side"];
const MASK_COUNTS = ["mask_set.size", "mask_set.cell", "mask_set.count", "mask_set.step"];
const NUMBERS = [
  "measure.sigma",
  "measure.c1",
  "measure.c2",
  "calibration.alpha",
  "gate.min_contrast",
  "gate.min_detail",
];
const TEXTS = ["version", "statement", "normal_class", "measure.name"];

/**
 * Reads and checks `manifest.json`.
 *
 * @param text content of the file.
 * @throws MimError where it is no JSON, of another format, or an entry lacks or is of no use.
 * @example
 * parseManifest(await (await fetch("bundle/manifest.json")).text()).size // 192
 */
export function parseManifest(text: string): Manifest {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new MimError("manifest.json: no JSON", REMEDY);
  }
  const format = entry(root, "format");
  if (format !== FORMAT) {
    const problem = `manifest.json: bundle format ${JSON.stringify(format)}, this version reads ${FORMAT}`;
    throw new MimError(problem, "export the bundle again");
  }
  const masked = entry(root, "mask_set") !== null;
  for (const path of TEXTS) need(typeof entry(root, path) === "string", path);
  for (const path of masked ? [...COUNTS, ...MASK_COUNTS] : COUNTS) need(isCount(entry(root, path)), path);
  for (const path of NUMBERS) need(Number.isFinite(entry(root, path)), path);
  // Codes of the graph are places in these lists.
  need(JSON.stringify(entry(root, "verdicts")) === JSON.stringify(VERDICTS), "verdicts");
  need(JSON.stringify(entry(root, "reasons")) === JSON.stringify(REASONS), "reasons");
  need(entry(root, "files") instanceof Object, "files");
  const manifest = root as Manifest;
  const { calibration, gate, mask_set, measure, size } = manifest;
  need(calibration.alpha > 0 && calibration.alpha < 1, "calibration.alpha");
  need(isNumbers(calibration.similarities), "calibration.similarities");
  need(isNumbers(calibration.weights), "calibration.weights");
  need(calibration.weights.length === calibration.similarities.length, "calibration.weights");
  need(gate.max_foreignness === null || Number.isFinite(gate.max_foreignness), "gate.max_foreignness");
  need(mask_set === null || mask_set.size % mask_set.cell === 0, "mask_set.cell");
  need(measure.window % 2 === 1 && measure.window <= size, "measure.window");
  return manifest;
}

/**
 * Checks a file of the bundle against its sha256 in the manifest.
 *
 * @param manifest of `parseManifest`.
 * @param name such as `mim.tflite`.
 * @param content of the file.
 * @throws MimError where the file differs or is not listed, or the page is not served over HTTPS: browsers have no
 *   `crypto.subtle` then.
 * @example
 * await checkModel(manifest, "mim.tflite", model);
 */
export async function checkModel(manifest: Manifest, name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
  const expected = manifest.files[name]?.sha256;
  if (expected === undefined) throw new MimError(`manifest.json: does not list ${name}`, REMEDY);
  if (globalThis.crypto?.subtle === undefined) {
    throw new MimError(`${name}: its sha256 cannot be checked here`, "serve the page over HTTPS or from localhost");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== expected) throw new MimError(`${name}: differs from its sha256 in manifest.json`, REMEDY);
}

/** What stands at a path such as `gate.min_side`; undefined where nothing does. */
function entry(root: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], root);
}

function need(right: boolean, path: string): void {
  if (!right) throw new MimError(`manifest.json: ${path} lacks or is of no use`, REMEDY);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);
}
