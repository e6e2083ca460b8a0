/** Runs in the browser: encoded files through `decode`, golden photographs through the README's worker and page. */

import { decode } from "../../src/index.js";

const worker = new Worker("/worker.js");
/** The ids of the worker's answers. */
const ids: number[] = [];

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
  const shown = [];
  for (const name of photos) shown.push(await show([photos[0], name]));
  shown.push(await show([photos[0], null]));
  return { decoded, digest: Array.from(new Uint8Array(digest)), scores, refused, damaged, ids, shown };
}

async function content(name: string): Promise<Blob> {
  return (await fetch(`/bundle/golden/${name}`)).blob();
}

/** The worker's answer, with arrays that JSON can represent. */
async function score(file: Blob): Promise<unknown> {
  const start = performance.now();
  const answer = await new Promise<Record<string, any>>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ id: ids.length, file, explain: true });
  });
  const { errorMap, inpainted, id, ...rest } = answer;
  ids.push(id);
  const milliseconds = performance.now() - start;
  return { ...rest, milliseconds, errorMap: Array.from(errorMap ?? []), inpainted: Array.from(inpainted?.data ?? []) };
}

const frame = document.body.appendChild(document.createElement("iframe"));
frame.src = "/readme.html";
await new Promise((resolve) => (frame.onload = resolve));

/** The text of the README's page after photographs were chosen without a pause; null: the choice was cancelled. */
async function show(names: (string | null)[]): Promise<string> {
  const input = frame.contentDocument!.querySelector("input")!;
  const output = frame.contentDocument!.querySelector("output")!;
  const files = await Promise.all(names.map(async (name) => name && new File([await content(name)], name)));
  for (const file of files) {
    const chosen = new DataTransfer();
    if (file) chosen.items.add(file);
    output.value = "of another photograph";
    input.files = chosen.files;
    input.dispatchEvent(new Event("change"));
    if (output.value !== "") return "not cleared";
  }
  // Nothing is shown after a cancelled choice, so wait as long as another worker needs for the photograph before it.
  if (names.at(-1) === null) await score(await content(names[0]!));
  while (output.value === "" && names.at(-1) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  return output.value;
}

const result = await run().catch((error: Error) => ({ failed: error.message }));
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
