import { MimError } from "./errors.js";
import { REASONS, VERDICTS, type Gate, type Manifest } from "./manifest.js";

/** The bundle format that this version reads. */
const FORMAT = 3;
const REMEDY = "export the bundle again or load all of its files from one folder";

/** A manifest with the names of the file. */
interface ManifestFile extends Omit<Manifest, "gate"> {
  readonly gate: Omit<Gate, "max_novelty"> & { readonly max_foreignness: number | null };
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
  for (const path of NUMBERS) need(Number.isFinite(entry(root, path)), path);
  // The codes of the graph are indices into these lists.
  need(JSON.stringify(entry(root, "verdicts")) === JSON.stringify(VERDICTS), "verdicts");
  need(JSON.stringify(entry(root, "reasons")) === JSON.stringify(REASONS), "reasons");
  need(entry(root, "files") instanceof Object, "files");
  const file = root as ManifestFile;
  const { calibration, gate, mask_set, measure, size } = file;
  need(calibration.alpha > 0 && calibration.alpha < 1, "calibration.alpha");
  need(isNumbers(calibration.similarities), "calibration.similarities");
  need(isNumbers(calibration.weights), "calibration.weights");
  need(calibration.weights.length === calibration.similarities.length, "calibration.weights");
  need(gate.max_foreignness === null || Number.isFinite(gate.max_foreignness), "gate.max_foreignness");
  need(mask_set === null || mask_set.size % mask_set.cell === 0, "mask_set.cell");
  need(measure.window % 2 === 1 && measure.window <= size, "measure.window");
  const { max_foreignness: max_novelty, ...limits } = gate;
  return { ...file, gate: { ...limits, max_novelty } };
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

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);
}
