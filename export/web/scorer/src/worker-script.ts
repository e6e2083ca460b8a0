/** The worker of `createScorer`: a classic script, because LiteRT.js loads its own scripts with `importScripts`. */

import { MimError } from "./errors.js";
import { loadScorer, type PhotoScorer } from "./litert.js";
import type { Answer, Request } from "./messages.js";

/** The part of a worker's global scope that is used; the types of a page have other ones. */
interface Scope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(answer: Answer): void;
}
const scope = globalThis as unknown as Scope;
let scorer: Promise<PhotoScorer>;

scope.onmessage = async ({ data }) => {
  try {
    if (data.task === "load") {
      const { task, ...files } = data;
      scorer = loadScorer({ ...files, onProgress: (progress) => scope.postMessage({ kind: "progress", progress }) });
      scope.postMessage({ kind: "loaded", manifest: (await scorer).manifest });
    } else {
      const result = await (await scorer)[data.task](data.photo);
      scope.postMessage({ kind: "result", id: data.id, result });
    }
  } catch (error) {
    const id = data.task === "load" ? undefined : data.id;
    const message = error instanceof Error ? error.message : String(error);
    const { problem, remedy } =
      error instanceof MimError ? error : { problem: message, remedy: "load the scorer again" };
    scope.postMessage({ kind: "error", id, problem, remedy });
  }
};
