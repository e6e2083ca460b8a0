import { MimError } from "./errors.js";
import { REASONS, VERDICTS, type Manifest, type Table } from "./manifest.js";

/** The bundle format that this version reads. */
const FORMAT = 4;
const REMEDY = "export the bundle again or load all of its files from one folder";

const COUNTS = ["size", "measure.window", "calibration.groups", "gate.min_side"];
const MASK_COUNTS = ["mask_set.size", "mask_set.cell", "mask_set.count", "mask_set.step"];
const NUMBERS = [
  "measure.sigma",
  "measure.c1",
  "measure.c2",
  "calibration.alpha",
  "reference.beta",
  "gate.min_contrast",
  "gate.min_detail",
];
/** null: no limit, or no threshold. */
const OPTIONAL_NUMBERS = ["gate.max_novelty", "reference.threshold"];
const TEXTS = ["version", "model_id", "statement", "normal_class", "measure.name"];

/**
 * Reads and checks `manifest.json`.
 *
 * @param text content of the file.
 * @throws MimError if the text is not JSON, has another format, or an entry is missing or invalid.
 * @example
 * parseManifest(await (await fetch("bundle/manifest.json")).text()).size // 192
 */
export function parseManifest(text: string): Manifest {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new MimError("manifest.json: not JSON", REMEDY);
  }
  const format = entry(root, "format");
  if (format !== FORMAT) {
    const problem = `manifest.json: bundle format ${JSON.stringify(format)}, this version reads ${FORMAT}`;
    throw new MimError(problem, "export the bundle again");
  }
  const masked = entry(root, "mask_set") !== null;
  for (const path of TEXTS) need(typeof entry(root, path) === "string", path);
  for (const path of masked ? [...COUNTS, ...MASK_COUNTS] : COUNTS) need(isCount(entry(root, path)), path);
  for (const path of NUMBERS) need(isReal(entry(root, path)), path);
  for (const path of OPTIONAL_NUMBERS) need(entry(root, path) === null || isReal(entry(root, path)), path);
  // The codes of the graph are indices into these lists.
  need(JSON.stringify(entry(root, "verdicts")) === JSON.stringify(VERDICTS), "verdicts");
  need(JSON.stringify(entry(root, "reasons")) === JSON.stringify(REASONS), "reasons");
  need(entry(root, "files") instanceof Object, "files");
  const manifest = root as Manifest;
  const { calibration, mask_set, measure, reference, size } = manifest;
  need(calibration.alpha > 0 && calibration.alpha < 1, "calibration.alpha");
  need(reference.beta > 0 && reference.beta < 1, "reference.beta");
  checkTable(calibration, "calibration");
  // The table of other skin may be empty.
  need(reference.groups === 0 || isCount(reference.groups), "reference.groups");
  checkTable(reference, "reference");
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
 * @throws MimError if the file differs or is not listed, or the page is not served over HTTPS, since browsers provide
 *   `crypto.subtle` over HTTPS only.
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

/** The value at a path such as `gate.min_side`; undefined if there is none. */
function entry(root: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], root);
}

function need(valid: boolean, path: string): void {
  if (!valid) throw new MimError(`manifest.json: ${path} is missing or invalid`, REMEDY);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}

/** Whether the value is a number that is finite in float32, in which scorers and graph compute. */
function isReal(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(Math.fround(value));
}

/** Checks similarities and weights. Since the weights sum to `groups`, a table is empty if and only if that is 0. */
function checkTable({ similarities, weights, groups }: Table, path: string): void {
  need(Array.isArray(similarities) && similarities.every(isReal), `${path}.similarities`);
  need(similarities.every((value, i) => i === 0 || similarities[i - 1] <= value), `${path}.similarities`);
  need(Array.isArray(weights) && weights.every((weight) => isReal(weight) && weight > 0), `${path}.weights`);
  need(weights.length === similarities.length, `${path}.weights`);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  need(Math.abs(sum - groups) <= 1e-6 * groups, `${path}.weights`);
}
