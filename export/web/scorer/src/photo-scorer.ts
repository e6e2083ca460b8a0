import type { Explained, Judged, Refused, RefusedExplained } from "./scorer.js";
import type { Manifest } from "./manifest.js";
import type { Progress } from "./load.js";

/** What to load. Addresses are relative to the page. */
export interface LoadOptions {
  /** `manifest.json` of the bundle. */
  readonly manifest: string | URL | Blob;
  /** `mim.tflite` of the bundle. */
  readonly model: string | URL | Blob;
  /**
   * The folder of LiteRT.js's WebAssembly, a copy of `node_modules/@litertjs/core/wasm`; or one of the scripts in it,
   * such as `/litert/litert_wasm_compat_internal.js`, to use that variant only.
   */
  readonly wasm: string | URL;
  /** Called while files are loaded. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts loading; the promise is then rejected with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** Judges photographs with a loaded bundle, one after the other. */
export interface PhotoScorer {
  readonly manifest: Manifest;
  /**
   * Judges one photograph.
   *
   * @param photo a JPEG, PNG or WebP file. One that cannot be decoded has the verdict `cannot-judge`.
   * @returns the verdict and the numbers behind it. They are null if the reason is `unreadable`, `too large` or
   *   `too small`; `remedy` then says what the user can do.
   * @throws MimError if the model fails, or the scorer is closed.
   */
  judge(photo: Blob): Promise<Judged | Refused>;
  /** Judges one photograph like `judge`, and returns its pixels, the inpainting and the error map as well. */
  explain(photo: Blob): Promise<Explained | RefusedExplained>;
  /** Frees the memory. Photographs that wait are rejected with a MimError. */
  close(): void;
}
