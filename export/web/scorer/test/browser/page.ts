/** Runs in the browser: every encoded file through `decode`, every golden photograph through the README's worker. */

import { decode } from "../../src/index.js";

const worker = new Worker("/worker.js");

async function run(): Promise<unknown> {
  const { files, photos } = await (await fetch("/work.json")).json();
  const decoded = [];
  for (const name of files) {
    const { width, height, data } = await decode(await content(name));
    decoded.push({ width, height, data: Array.from(data) });
  }
  const large = await decode(await (await fetch("/large.png")).blob());
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(large.data));
  const scores = [];
  for (const name of photos) scores.push(await score(await content(name)));
  const refused = await score(new Blob(["\0\0\0\x18ftypheic"]));
  const damaged = await score((await content("exif_1.jpg")).slice(0, 200));
  return { decoded, digest: Array.from(new Uint8Array(digest)), scores, refused, damaged };
}

async function content(name: string): Promise<Blob> {
  return (await fetch(`/bundle/golden/${name}`)).blob();
}

/** The worker's answer, its arrays as JSON can hold them. */
async function score(file: Blob): Promise<unknown> {
  const start = performance.now();
  const answer = await new Promise<Record<string, any>>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(file);
  });
  const { errorMap, inpainted, ...rest } = answer;
  const milliseconds = performance.now() - start;
  return { ...rest, milliseconds, errorMap: Array.from(errorMap ?? []), inpainted: Array.from(inpainted?.data ?? []) };
}

const result = await run().catch((error: Error) => ({ failed: error.message }));
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
