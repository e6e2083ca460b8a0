/** Messages between a page and the worker script. */

import type { Progress } from "./load.js";
import type { Manifest } from "./manifest.js";

/** From the page. Addresses are absolute, since the worker script may be in another folder. */
export type Request =
  | { readonly task: "load"; readonly manifest: string | Blob; readonly model: string | Blob; readonly wasm: string }
  | { readonly task: "judge" | "explain"; readonly id: number; readonly photo: Blob };

/** From the worker. */
export type Answer =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "loaded"; readonly manifest: Manifest }
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  /** Without an id: the bundle could not be loaded. */
  | { readonly kind: "error"; readonly id?: number; readonly problem: string; readonly remedy: string };
