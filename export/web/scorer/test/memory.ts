/** The memory that `decode` needs beside the browser's own decoder. */

import { readFileSync, writeFileSync } from "node:fs";
import type * as Core from "../src/index.js";
import { start, type Site } from "./browser/site.js";
import { setup } from "./build.js";
import { largeJpeg } from "./large.js";

declare const mim: typeof Core;

export interface Decoded {
  /** By how many MB the memory of the page's process has grown at most. */
  readonly megabytes: number;
  readonly milliseconds: number;
  /** The resampled pixels; null for the decoder alone. */
  readonly data: number[] | null;
}

/**
 * Decodes a JPEG in a new page.
 *
 * @param jpeg the file.
 * @param by `browser`: `createImageBitmap` alone, `package`: `decode` to 192 x 192 pixels.
 */
export async function decodeIn(site: Site, jpeg: Uint8Array, by: "browser" | "package"): Promise<Decoded> {
  site.made.set("/large.jpg", { content: jpeg });
  const page = await site.open();
  const session = await site.browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const peaks = () => {
    return renderers.map(
      ({ id }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))![1]) / 1024,
    );
  };
  const file = await page.evaluateHandle(async () => (await fetch("/large.jpg")).blob());
  for (const { id } of renderers) writeFileSync(`/proc/${id}/clear_refs`, "5"); // the peak is now what is in use
  const before = peaks();
  const [data, milliseconds] = await file.evaluate(async (photo, how) => {
    const began = performance.now();
    let pixels: number[] | null = null;
    if (how === "package") {
      pixels = Array.from((await mim.decode(photo, 192)).image.data);
    } else {
      (await createImageBitmap(photo, { colorSpaceConversion: "none", premultiplyAlpha: "none" })).close();
    }
    return [pixels, performance.now() - began] as const;
  }, by);
  const megabytes = Math.max(...peaks().map((peak, i) => peak - before[i]));
  await page.close();
  return { megabytes, milliseconds, data };
}

/** Prints time and memory for a JPEG of this size; its sides are multiples of 8. */
export async function print(width: number, height: number): Promise<void> {
  setup();
  const site = await start();
  const { jpeg } = largeJpeg(width, height);
  for (const by of ["browser", "package"] as const) {
    const { megabytes, milliseconds } = await decodeIn(site, jpeg, by);
    console.log(`${width} x ${height}, ${by}: ${Math.round(megabytes)} MB, ${Math.round(milliseconds)} ms`);
  }
  await site.close();
}
