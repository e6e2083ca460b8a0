import { MimError } from "./errors.js";
import { request, shown } from "./load.js";
import type { Manifest } from "./manifest.js";
import type { Answer, Request } from "./messages.js";
import type { LoadOptions, PhotoScorer } from "./photo-scorer.js";
import type { Explained, Judged, Refused, RefusedExplained } from "./scorer.js";

export type { Progress } from "./load.js";
export type { LoadOptions, PhotoScorer } from "./photo-scorer.js";

const SCRIPT_REMEDY =
  "copy node_modules/@mim-tf/scorer/dist/worker-script.js to your site and pass its address as the option worker, " +
  "or exclude the package from Vite's optimizeDeps";

export interface CreateOptions extends LoadOptions {
  /** The address of `worker-script.js`; by default next to this module, where bundlers find it. */
  readonly worker?: string | URL;
}

/**
 * Loads a bundle in a worker, so that the page stays responsive while a photograph is judged.
 *
 * @throws MimError if a file is missing, damaged or of another version; the message names its address.
 * @example
 * const scorer = await createScorer({
 *   manifest: "/bundle/manifest.json", model: "/bundle/mim.tflite", wasm: "/litert/",
 * });
 * (await scorer.judge(input.files[0])).verdict // "mpox-like"
 * scorer.close();
 */
export async function createScorer(options: CreateOptions): Promise<PhotoScorer> {
  options.signal?.throwIfAborted();
  const script = options.worker === undefined ? undefined : new URL(options.worker, document.baseURI);
  // Bundlers look for the first expression, and put the script at an address of their own.
  const worker = script === undefined ? new Worker(new URL("./worker-script.js", import.meta.url)) : new Worker(script);
  const scorer = new WorkerScorer(worker, script);
  await scorer.load(options);
  return scorer;
}

/** Functions that settle a promise. */
interface Pending {
  resolve(value: any): void;
  reject(reason: unknown): void;
}

class WorkerScorer implements PhotoScorer {
  #manifest: Manifest | undefined;
  readonly #worker: Worker;
  /** The address of its script, if the app has stated it. */
  readonly #script: URL | undefined;
  /** Photographs that are not yet judged, by id. The bundle, while it is loaded, is the first. */
  readonly #pending = new Map<number, Pending>();
  #id = LOAD;
  #closed: unknown;

  constructor(worker: Worker, script: URL | undefined) {
    this.#worker = worker;
    this.#script = script;
  }

  get manifest(): Manifest {
    return this.#manifest!;
  }

  async load(options: LoadOptions): Promise<void> {
    const { signal, onProgress } = options;
    const absolute = (source: string | URL) => new URL(source, document.baseURI).href;
    const at = (source: string | URL | Blob) => (source instanceof Blob ? source : absolute(source));
    const abort = () => this.#end(signal!.reason);
    signal?.addEventListener("abort", abort);
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.kind === "progress") onProgress?.(data.progress);
      else this.#settle(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      void this.#fail(event.message);
    };
    try {
      const files = { manifest: at(options.manifest), model: at(options.model), wasm: absolute(options.wasm) };
      await this.#ask(LOAD, { task: "load", ...files });
    } catch (error) {
      this.#end(error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  judge(photo: Blob): Promise<Judged | Refused> {
    this.#id += 1;
    return this.#ask(this.#id, { task: "judge", id: this.#id, photo });
  }

  explain(photo: Blob): Promise<Explained | RefusedExplained> {
    this.#id += 1;
    return this.#ask(this.#id, { task: "explain", id: this.#id, photo });
  }

  close(): void {
    this.#end(new MimError("the scorer is closed", "load it again"));
  }

  #ask<Result>(id: number, message: Request): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(this.#closed);
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage(message);
    });
  }

  #settle(answer: Exclude<Answer, { kind: "progress" }>): void {
    const id = answer.kind === "loaded" ? LOAD : (answer.id ?? LOAD);
    const { resolve, reject } = this.#pending.get(id)!;
    this.#pending.delete(id);
    if (answer.kind === "error") {
      reject(new MimError(answer.problem, answer.remedy));
    } else if (answer.kind === "loaded") {
      this.#manifest = answer.manifest;
      resolve(undefined);
    } else {
      resolve(answer.result);
    }
  }

  /** Ends with an error of the script, or the reason why the browser did not load it. */
  async #fail(message: string | undefined): Promise<void> {
    const name = this.#script === undefined ? "worker-script.js" : shown(this.#script);
    let error = new MimError(`${name}: ${message || "the browser does not load this script"}`, SCRIPT_REMEDY);
    if (!message && this.#script) await request(this.#script, SCRIPT_REMEDY).catch((cause) => (error = cause));
    this.#end(error);
  }

  #end(reason: unknown): void {
    this.#closed ??= reason;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(this.#closed);
    this.#pending.clear();
  }
}

/** The id of loading the bundle. */
const LOAD = 0;
