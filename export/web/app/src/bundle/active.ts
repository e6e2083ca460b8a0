import type { Manifest } from "@mim-tf/scorer";
import { createScorer, type PhotoScorer } from "@mim-tf/scorer/worker";
import { filesSettled } from "../offline";
import { inStore } from "../storage/database";
import type { BundleFiles } from "./zip";

/** The variant of LiteRT.js without relaxed SIMD, which every browser with WebAssembly runs. */
const WASM = new URL("litert/litert_wasm_compat_internal.js", document.baseURI);
/** The key of the kept model in the database. */
const KEPT = "kept";

/** The model in use; null: the built-in one. */
let files: BundleFiles | null = null;
let scorer: Promise<PhotoScorer> | null = null;
/** Ends when it is known whether there is a kept model. */
let restoring: Promise<void> = Promise.resolve();
/** The number of models that were asked for: the last one counts. */
let requests = 0;

/** Name of the archive of the model in use; null: the built-in model. */
export function activeName(): string | null {
  return files?.name ?? null;
}

/** Takes the kept model, if there is one. Call it once, at the start. */
export function restoreKept(): Promise<void> {
  restoring = inStore<BundleFiles | undefined>("model", "readonly", (store) => store.get(KEPT)).then(
    (kept) => {
      files = kept ?? null;
    },
    () => {}, // no storage: the built-in model is used
  );
  return restoring;
}

/** Loads the model in use, once; after a failure, the next call tries again. */
export function activeScorer(): Promise<PhotoScorer> {
  if (scorer) return scorer;
  const loading = restoring
    .then(() => load(files))
    .catch((error) => {
      if (scorer === loading) scorer = null;
      throw error;
    });
  return (scorer = loading);
}

async function load(chosen: BundleFiles | null): Promise<PhotoScorer> {
  // The service worker downloads the same files: with its copies, they are downloaded once.
  await filesSettled();
  return createScorer({
    manifest: chosen?.manifest ?? new URL("bundle/manifest.json", document.baseURI),
    model: chosen?.model ?? new URL("bundle/mim.tflite", document.baseURI),
    wasm: WASM,
  });
}

/**
 * Uses a model from now on. The model before stays in use until the new one is loaded.
 *
 * @param chosen of `readZip`; of null: the built-in model.
 * @returns false if another model was asked for meanwhile; then nothing changes.
 * @throws MimError if LiteRT.js does not load it, and what `readZip` throws; then the model before stays in use.
 */
export async function useBundle(chosen: Promise<BundleFiles | null>): Promise<boolean> {
  const mine = ++requests;
  try {
    await restoring;
    const wanted = await chosen;
    const loaded = await load(wanted);
    if (mine !== requests) {
      loaded.close();
      return false;
    }
    void scorer?.then((old) => old.close()).catch(() => {});
    files = wanted;
    scorer = Promise.resolve(loaded);
    return true;
  } catch (error) {
    if (mine !== requests) return false;
    throw error;
  }
}

/** Keeps a model for the next start; null: keeps none. */
export async function keepBundle(chosen: BundleFiles | null): Promise<void> {
  if (chosen) await inStore("model", "readwrite", (store) => store.put(chosen, KEPT));
  else await inStore("model", "readwrite", (store) => store.delete(KEPT));
}

/** The entries of a manifest that the app shows and scorers do not use. */
export interface ShownEntries {
  readonly licence: { readonly weights: string; readonly commercial: boolean };
  /** The error map is drawn transparent up to `low` and opaque from `high` on. */
  readonly overlay: { readonly low: number; readonly high: number };
  readonly guarantees: readonly string[];
  readonly method: string;
}

/** Reads these entries. Unlike those of scorers they are not checked when a bundle is loaded, so each has a default. */
export function shownEntries(manifest: Manifest): ShownEntries {
  const { licence, overlay, calibration, reference, method } = manifest as unknown as {
    licence?: Record<string, unknown>;
    overlay?: Record<string, unknown>;
    calibration: Record<string, unknown>;
    reference: Record<string, unknown>;
    method?: unknown;
  };
  const number = (value: unknown, other: number) => (typeof value === "number" ? value : other);
  const low = number(overlay?.low, 0);
  return {
    licence: { weights: String(licence?.weights ?? "?"), commercial: licence?.commercial === true },
    overlay: { low, high: Math.max(number(overlay?.high, 1), low + 1e-6) },
    guarantees: [calibration.guarantee, reference.guarantee].filter((text) => typeof text === "string"),
    method: typeof method === "string" ? method : "?",
  };
}
