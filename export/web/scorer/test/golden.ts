/** The golden files of a bundle: MIM_BUNDLE, or the bundle that holds these sources, or the released one. */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { convertIndexedToRgb, decode } from "fast-png";
import { grey16, type MaskSet, overWhite, parseManifest, type Rgb } from "../src/index.js";

export const root = resolve(import.meta.dirname, "..");
/** The folder of LiteRT.js's WebAssembly. */
export const WASM = resolve(fileURLToPath(import.meta.resolve("@litertjs/core")), "../../wasm");
const candidates = [join(root, "../../.."), join(root, "../../released")];
export const bundle = process.env.MIM_BUNDLE ?? candidates.find((path) => existsSync(join(path, "manifest.json")))!;
export const text = readFileSync(join(bundle, "manifest.json"), "utf8");
export const manifest = parseManifest(text);
export const golden: Golden = JSON.parse(read("golden.json").toString());
/** Whether the bundle has masks; otherwise it has no `mim_micro.tflite`. */
export const masks = manifest.mask_set !== null;

/** Limit of the difference of p-values: the graph sums weights in float32, and in another order. */
export const ROUNDING = 5e-6;

export interface Entry {
  readonly name: string;
  readonly similarity: number;
  readonly p_class: number;
  readonly p_other: number;
  readonly verdict: string;
  readonly reason: string | null;
  readonly contrast: number;
  readonly detail: number;
  readonly ssim: number;
  readonly novelty: number;
  readonly filled_crc32: number;
}

interface Golden {
  readonly tolerance: Readonly<Record<string, number>>;
  readonly images: readonly Entry[];
  readonly fills?: readonly (MaskSet & { readonly mask: number; readonly filled_crc32: number })[];
  readonly decisions?: readonly Pick<Entry, "similarity" | "p_class" | "p_other" | "verdict">[];
  readonly decoded: readonly { readonly file: string; readonly expected: string; readonly tolerance: number }[];
}

/** The content of one of the golden files. */
export function read(name: string): Buffer {
  return readFileSync(join(bundle, "golden", name));
}

/** The picture of a stage of a golden image. */
export function picture(number: number, stage: string): Rgb {
  return png(`${name(number)}_${stage}.png`);
}

/** s x s values of the golden error map. */
export function goldenErrors(number: number): Float32Array {
  const content = read(`${name(number)}_error_map.f32`);
  return new Float32Array(content.buffer.slice(content.byteOffset, content.byteOffset + content.length));
}

function name(number: number): string {
  return String(number).padStart(2, "0");
}

/** A PNG as RGB: 8-bit grey or colour, each with or without alpha, palette, or 16-bit grey. */
export function png(file: string): Rgb {
  const known = decoded.get(file) ?? decodePng(file);
  decoded.set(file, known);
  return known;
}

const decoded = new Map<string, Rgb>();

function decodePng(file: string): Rgb {
  const image = decode(read(file));
  const { width, height } = image;
  if (image.data instanceof Uint16Array) return grey16(image.data, width, height);
  const data = image.palette ? convertIndexedToRgb(image) : image.data;
  const channels = data.length / (width * height);
  const [colours, opaque] = [channels < 3 ? 1 : 3, channels % 2 === 1];
  const rgba = Uint8Array.from({ length: 4 * width * height }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 4) * channels, i % 4];
    return channel < 3 ? data[pixel + (channel % colours)] : opaque ? 255 : data[pixel + colours];
  });
  return overWhite(rgba, width, height);
}

/** The largest difference of two arrays of equal length. */
export function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

/** Largest allowed difference between a runtime's similarity and the golden one. */
export function allowed(similarity: number): number {
  const { name } = manifest.measure;
  return golden.tolerance[name] + (golden.tolerance[`${name}_relative`] ?? 0) * Math.abs(similarity);
}
