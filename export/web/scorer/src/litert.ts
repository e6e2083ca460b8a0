import {
  getGlobalLiteRtPromise,
  loadAndCompile,
  loadLiteRt,
  supportsFeature,
  Tensor,
  type CompiledModel,
} from "@litertjs/core";
import { checkModel, parseManifest } from "./bundle.js";
import { checkCanvas, decode } from "./decode.js";
import { MimError, PhotoError } from "./errors.js";
import { load, request, shown, type Progress } from "./load.js";
import type { LoadOptions, PhotoScorer } from "./photo-scorer.js";
import { refused, refusedExplained, Scorer, type Outputs } from "./scorer.js";

export type { LoadOptions, PhotoScorer, Progress };

const BUNDLE_REMEDY = "copy the bundle's manifest.json and mim.tflite there";
const WASM_REMEDY = "copy node_modules/@litertjs/core/wasm there";
const MEMORY_REMEDY = "close other pages, since memory may be short, and load this page again";
const CLOSED = ["the scorer is closed", "load it again"] as const;
/** Bytes of LiteRT.js's WebAssembly, for the progress if the server does not state them. */
const WASM_BYTES = 9_400_000;

/**
 * Loads a bundle with LiteRT.js in this thread, which it blocks while it judges; see `createScorer` for a worker.
 *
 * @throws MimError if a file is missing, damaged or of another version; the message names its address. Likewise if the
 *   browser alters what is read from a canvas; see `checkCanvas`.
 * @example
 * const scorer = await loadScorer({
 *   manifest: "/bundle/manifest.json", model: "/bundle/mim.tflite", wasm: "/litert/",
 * });
 * (await scorer.judge(input.files[0])).verdict // "mpox-like"
 */
export async function loadScorer(options: LoadOptions): Promise<PhotoScorer> {
  const { signal } = options;
  await checkCanvas();
  const base = globalThis.location?.href;
  const at = (source: string | URL | Blob) => (source instanceof Blob ? source : new URL(source, base));
  const text = await load(at(options.manifest), BUNDLE_REMEDY, () => {}, signal);
  const manifest = parseManifest(new TextDecoder().decode(text));
  const count = meter((manifest.files["mim.tflite"]?.bytes ?? 0) + WASM_BYTES, options.onProgress);
  const wasm = new URL(options.wasm, base);
  runtime ??= loadRuntime(wasm, count(), signal).catch((error) => {
    // If LiteRT.js still waits for its WebAssembly, it cannot be loaded again in this thread.
    if (getGlobalLiteRtPromise() === undefined) runtime = undefined;
    throw error;
  });
  const [content] = await Promise.all([load(at(options.model), BUNDLE_REMEDY, count(), signal), runtime]);
  await checkModel(manifest, "mim.tflite", content);
  signal?.throwIfAborted();
  const model = await loadAndCompile(content, { accelerator: "wasm" }).catch((error: unknown) => {
    throw new MimError(`mim.tflite: LiteRT.js does not load it (${messageOf(error)})`, BUNDLE_REMEDY);
  });
  const total = manifest.files["mim.tflite"].bytes + WASM_BYTES;
  options.onProgress?.({ loaded: total, total });
  return new LiteRtScorer(manifest, model);
}

class LiteRtScorer implements PhotoScorer {
  readonly #model: CompiledModel;
  readonly #scorer: Scorer;
  /** Ends when the photograph before has been judged. */
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    readonly manifest: PhotoScorer["manifest"],
    model: CompiledModel,
  ) {
    this.#model = model;
    this.#scorer = new Scorer(manifest, (signature, image) => this.#run(signature, image));
  }

  judge(photo: Blob) {
    return this.#next(async () => this.#scorer.judge(await decode(photo, this.manifest.size)), refused);
  }

  explain(photo: Blob) {
    return this.#next(async () => this.#scorer.explain(await decode(photo, this.manifest.size)), refusedExplained);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.finally(() => this.#model.delete());
  }

  /** Runs a task after the ones before, and turns the error of an unreadable photograph into its result. */
  #next<Result, Other>(task: () => Promise<Result>, refuse: (...why: Parameters<typeof refused>) => Other) {
    const result = this.#queue.then(async () => {
      if (this.#closed) throw new MimError(...CLOSED);
      try {
        return await task();
      } catch (error) {
        if (error instanceof PhotoError) return refuse(error.reason, error.remedy);
        throw error;
      }
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  async #run(signature: string, image: Uint8Array<ArrayBuffer>): Promise<Outputs> {
    const { size } = this.manifest;
    const input = new Tensor(image, [1, size, size, 3]);
    const outputs = await this.#model.run(signature, { image: input });
    const values = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.toTypedArray()]));
    for (const tensor of [input, ...Object.values(outputs)]) tensor.delete();
    return values;
  }
}

/** LiteRT.js, which is loaded once for each thread, because it is global there. */
let runtime: Promise<void> | undefined;

async function loadRuntime(wasm: URL, onBytes: (loaded: number) => void, signal?: AbortSignal): Promise<void> {
  if (getGlobalLiteRtPromise() !== undefined) {
    await getGlobalLiteRtPromise(); // the app has loaded it for other models
    return;
  }
  const script = wasm.pathname.endsWith(".js") ? wasm : await variantIn(wasm);
  if (script.pathname.includes("threaded")) {
    const problem = `${shown(script)}: LiteRT.js with threads is not supported, since it judges no faster`;
    throw new MimError(problem, "use litert_wasm_internal.js");
  }
  const response = await request(new URL(script.href.replace(/\.js$/, ".wasm")), WASM_REMEDY, signal);
  const counted = count(response.clone(), onBytes);
  const compiled = await WebAssembly.compileStreaming(typed(response)).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new MimError(`${shown(new URL(response.url))}: ${messageOf(error)}`, WASM_REMEDY);
  });
  await counted;
  // LiteRT.js passes this object to its script, whose own download would not state the address in an error.
  // The script does not notice that this fails.
  const failed = new Promise<never>((_, reject) => {
    const instantiateWasm = (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
      WebAssembly.instantiate(compiled, imports)
        .then(done)
        .catch((error: unknown) => {
          reject(new MimError(`LiteRT.js does not start (${messageOf(error)})`, MEMORY_REMEDY));
        });
      return {};
    };
    Object.assign(globalThis, { Module: { instantiateWasm } });
  });
  const loaded = loadLiteRt(script.href).catch(async (error: unknown) => {
    await request(script, WASM_REMEDY, signal); // the likely cause
    throw new MimError(`${shown(script)}: ${messageOf(error)}`, WASM_REMEDY);
  });
  try {
    await Promise.race([loaded, failed]);
  } finally {
    delete (globalThis as { Module?: unknown }).Module; // other scripts use this name as well
  }
}

/** The script that LiteRT.js chooses in a folder, without threads. */
async function variantIn(folder: URL): Promise<URL> {
  const name = (await supportsFeature("relaxedSimd")) ? "litert_wasm_internal.js" : "litert_wasm_compat_internal.js";
  return new URL(name, folder.href.replace(/\/?$/, "/"));
}

/**
 * Counts the bytes of a copy of a response. Its body is not piped through a counter, because Chromium stores the compiled
 * code, for the next visit, only for a response of `fetch` itself.
 */
async function count(copy: Response, onBytes: (loaded: number) => void): Promise<void> {
  let loaded = 0;
  const counter = new WritableStream<Uint8Array>({
    write(part) {
      loaded += part.length;
      onBytes(loaded);
    },
  });
  await copy.body!.pipeTo(counter).catch(() => {}); // the original has the same error
}

/** A response whose type is right: some servers do not know WebAssembly. */
function typed(response: Response): Response {
  const type = "application/wasm";
  if (response.headers.get("content-type") === type) return response;
  return new Response(response.body, { headers: { "content-type": type } });
}

/** Sums the bytes of several files, of which each calls a function of its own. */
function meter(total: number, onProgress?: (progress: Progress) => void): () => (loaded: number) => void {
  const parts: number[] = [];
  return () => {
    const part = parts.push(0) - 1;
    return (loaded) => {
      parts[part] = loaded;
      const sum = parts.reduce((before, bytes) => before + bytes, 0);
      onProgress?.({ loaded: Math.min(sum, total), total });
    };
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "it could not be run";
}
