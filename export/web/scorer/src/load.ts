import { MimError } from "./errors.js";

/** How far the files of a bundle and of LiteRT.js are loaded, in bytes. */
export interface Progress {
  readonly loaded: number;
  /** An estimate until everything is loaded, since servers do not state the size of compressed files. */
  readonly total: number;
}

/**
 * Loads a file, and names its address in errors.
 *
 * @param source an absolute address, or the file itself.
 * @param remedy for a missing file, such as `copy the bundle there`.
 * @param onBytes called with the number of bytes loaded so far.
 * @param signal aborts the download.
 * @throws MimError with address and HTTP status, also if the server sent a web page in place of the file.
 * @example
 * await load(new URL("https://example.org/bundle/mim.tflite"), "copy the bundle there", () => {})
 * // MimError: /bundle/mim.tflite: 404 Not Found; copy the bundle there
 */
export async function load(
  source: URL | Blob,
  remedy: string,
  onBytes: (loaded: number) => void,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const response = await request(source, remedy, signal);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  try {
    const reader = response.body!.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      parts.push(step.value);
      loaded += step.value.length;
      onBytes(loaded);
    }
  } catch {
    signal?.throwIfAborted();
    throw new MimError(`${shown(source)}: the connection broke after ${loaded} bytes`, "load it again");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * Requests a file.
 *
 * @returns the response, whose body is not read.
 * @throws MimError as for `load`.
 */
export async function request(url: URL, remedy: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal }).catch(() => {
    signal?.throwIfAborted();
    const problem = `${shown(url)}: cannot be reached`;
    throw new MimError(problem, "go online, or allow the address in the content security policy");
  });
  if (!response.ok) {
    throw new MimError(`${shown(url)}: ${response.status} ${response.statusText}`.trimEnd(), remedy);
  }
  // Servers of single-page applications answer any address with the page.
  if (response.headers.get("content-type")?.startsWith("text/html")) {
    throw new MimError(`${shown(url)}: the server sent a web page in place of this file`, remedy);
  }
  return response;
}

/** An address in messages: without the origin if that is the page's own. */
export function shown(url: URL): string {
  return url.origin === globalThis.location?.origin ? url.pathname : url.href;
}
