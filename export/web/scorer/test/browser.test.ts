/** The built package in Chromium, without a bundler and under a strict content security policy. */

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { encode } from "fast-png";
import type { JSHandle, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resample, Resampler, type Rgb } from "../src/index.js";
import type * as Core from "../src/index.js";
import type { loadScorer } from "../src/litert.js";
import type { createScorer, PhotoScorer } from "../src/worker.js";
import { executable, start, type Site } from "./browser/site.js";
import { bundle, golden, largest, manifest, png, WASM } from "./golden.js";
import { largeJpeg } from "./large.js";
import { decodeIn } from "./memory.js";
import { expectGolden, expectVerdict } from "./tolerance.js";

/** The package, as a script of the page provides it. */
declare const mim: typeof Core & { createScorer: typeof createScorer; loadScorer: typeof loadScorer };

const FILES = { manifest: "/bundle/manifest.json", model: "/bundle/mim.tflite", wasm: "/litert/" };
const photos = golden.images.map((_, number) => `/bundle/golden/${String(number).padStart(2, "0")}_input.png`);
const judgeable = photos[golden.images.findIndex(({ reason }) => reason === null)];

describe.skipIf(executable === undefined)("in Chromium", { timeout: 60_000 }, () => {
  let site: Site;
  let page: Page;
  let scorer: JSHandle<PhotoScorer>;

  beforeAll(async () => {
    site = await start();
    page = await site.open();
    scorer = await create(page);
  }, 120_000);
  afterAll(() => site?.close());

  describe("decode", () => {
    it.each(golden.decoded)("$file", async ({ file, expected, tolerance }) => {
      const whole = png(expected);
      const size = Math.min(whole.width, whole.height); // the centre square as it is
      const found = await decoded(`/bundle/golden/${file}`, size);
      expect([found.width, found.height]).toEqual([whole.width, whole.height]);
      // Chromium drops the low byte of 16 bits.
      const dropped = file === "grey16.png" ? 1 : 0;
      expect(largest(found.image.data, resample(whole, size).data)).toBeLessThanOrEqual(tolerance + dropped);
    });

    it("reads more than one strip exactly", async () => {
      const image = {
        width: 1301,
        height: 1603,
        data: Uint8Array.from({ length: 3 * 1301 * 1603 }, (_, i) => (i * i) >> 7),
      };
      site.made.set("/strips.png", { content: encode({ ...image, channels: 3 }) });
      const digest = await page.evaluate(async () => {
        const { image } = await mim.decode(await (await fetch("/strips.png")).blob(), 1301);
        return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(image.data))));
      });
      const square = image.data.subarray(3 * 1301 * 151, 3 * 1301 * (151 + 1301));
      expect(digest).toEqual(Array.from(createHash("sha256").update(square).digest()));
    });

    it("reads 48 megapixels with less than 120 MB beside the browser's decoder", async () => {
      const { jpeg, rows } = largeJpeg(8000, 6000);
      const resampler = new Resampler(8000, 6000, 192);
      for (let row = 0; row < 6000; row += 8) resampler.add(rows);
      const own = await decodeIn(site, jpeg, "browser");
      const found = await decodeIn(site, jpeg, "package");
      expect(largest(found.data!, resampler.result().data)).toBeLessThanOrEqual(golden.tolerance.jpeg);
      expect(found.megabytes - own.megabytes).toBeLessThan(120);
    });
  });

  it.each(golden.images.map((entry, number) => ({ ...entry, number })))("judges $number $name", async ({ number }) => {
    // As text, because Playwright takes long for large arrays.
    const text = await page.evaluate(
      async ([worker, address]) => {
        const photo = await (await fetch(address)).blob();
        const { image, errorMap, inpainted, ...rest } = await worker.explain(photo);
        const arrays = [image?.data, errorMap, inpainted?.data].map((values) => values && Array.from(values));
        const explained = { ...rest, image: arrays[0], errorMap: arrays[1] ?? null, inpainted: arrays[2] ?? null };
        return JSON.stringify([await worker.judge(photo), explained]);
      },
      [scorer, photos[number]] as const,
    );
    const [judged, { image, errorMap, inpainted, ...explained }] = JSON.parse(text);
    expectVerdict(number, judged);
    expectGolden(number, { ...explained, errorMap, inpainted });
    expect(explained.ssim === null).toBe(judged.similarity === null);
    if (image) expect(largest(image, png(`${String(number).padStart(2, "0")}_resampled.png`).data)).toBe(0);
  });

  it("judges photographs that are sent without a pause, in their order, without a request", async () => {
    const before = site.requests.length;
    const blobs = await page.evaluateHandle(
      (all) => Promise.all(all.map(async (one) => (await fetch(one)).blob())),
      photos,
    );
    const loaded = site.requests.length;
    expect(loaded).toBe(before + photos.length);
    const results = await page.evaluate(([worker, files]) => Promise.all(files.map((file) => worker.judge(file))), [
      scorer,
      blobs,
    ] as const);
    results.forEach((result, number) => expectVerdict(number, result));
    expect(site.requests.length).toBe(loaded);
  });

  it.each<[string, () => Buffer, string, string]>([
    ["HEIC", () => Buffer.from("\0\0\0\x18ftypheic"), "unreadable", "save it as JPEG"],
    ["text", () => Buffer.from("photo"), "unreadable", "replace the file with a JPEG, PNG or WebP photograph"],
    ["half of a JPEG", () => largeJpeg(64, 64).jpeg.subarray(0, 700), "unreadable", "replace the file"],
    ["damaged data", () => damaged(), "unreadable", "replace the file"],
    ["more than 250 million pixels", () => largeJpeg(16_000, 15_640).jpeg, "too large", "shrink the image"],
    ["few pixels", () => largeJpeg(64, 64).jpeg, "too small", `sides are ${manifest.gate.min_side} pixels or more`],
  ])("cannot judge a file of %s", async (_, content, reason, remedy) => {
    site.made.set("/file", { content: content() });
    for (const task of ["judge", "explain"] as const) {
      const result = await page.evaluate(async ([worker, name]) => worker[name](await (await fetch("/file")).blob()), [
        scorer,
        task,
      ] as const);
      expect(result).toMatchObject({ verdict: "cannot-judge", reason, similarity: null, pClass: null, pOther: null });
      expect(result.remedy).toContain(remedy);
    }
  });

  it("calls a photograph too large for which the browser lacks memory", async () => {
    const message = await page.evaluate(async (address) => {
      const own = globalThis.createImageBitmap;
      globalThis.createImageBitmap = () => {
        throw new DOMException("The ImageBitmap could not be allocated.", "InvalidStateError");
      };
      const photo = await (await fetch(address)).blob();
      const error = await mim.decode(photo, 192).catch((thrown) => thrown);
      globalThis.createImageBitmap = own;
      return [error.reason, error.message];
    }, judgeable);
    expect(message).toEqual(["too large", "needs more memory than the browser has; shrink the image"]);
  });

  describe("loading", () => {
    const page404 = { type: "text/html", content: "<!doctype html>" };
    it.each<[string, Record<string, object>, string]>([
      ["a missing manifest", { manifest: "/x/manifest.json" }, "/x/manifest.json: 404 Not Found; copy the bundle's"],
      ["a missing model", { model: "/x/mim.tflite" }, "/x/mim.tflite: 404 Not Found; copy the bundle's manifest.json"],
      [
        "a page in place of the model",
        { model: "/page" },
        "/page: the server sent a web page in place of this file; copy",
      ],
      [
        "another model",
        { model: "/litert/litert_wasm_internal.js" },
        "mim.tflite: differs from its sha256 in manifest.json",
      ],
      ["no JSON", { manifest: "/litert/litert_wasm_internal.js" }, "manifest.json: not JSON"],
      [
        "missing WebAssembly",
        { wasm: "/x/" },
        "/x/litert_wasm_internal.wasm: 404 Not Found; copy node_modules/@litertjs/core/wasm",
      ],
      [
        "a missing script of WebAssembly",
        { wasm: "/no-script/" },
        "/no-script/litert_wasm_internal.js: 404 Not Found; copy",
      ],
      ["damaged WebAssembly", { wasm: "/damaged/" }, "/damaged/litert_wasm_internal.wasm: "],
      [
        "threads",
        { wasm: "/litert/litert_wasm_threaded_internal.js" },
        "/litert/litert_wasm_threaded_internal.js: LiteRT.js with threads is not",
      ],
      [
        "another site",
        { model: "https://example.org/mim.tflite" },
        "https://example.org/mim.tflite: cannot be reached; go online",
      ],
      [
        "no worker script",
        { worker: "/x/worker-script.js" },
        "/x/worker-script.js: 404 Not Found; copy node_modules/@mim-tf",
      ],
    ] as any)("names %s", async (_, options, expected) => {
      site.made.set("/page", page404);
      site.made.set("/no-script/litert_wasm_internal.wasm", {
        type: "application/wasm",
        content: readFileSync(join(WASM, "litert_wasm_internal.wasm")),
      });
      site.made.set("/damaged/litert_wasm_internal.wasm", { content: "\0asm" });
      const error = await create(page, options).catch((thrown: Error) => thrown);
      expect(String(error)).toContain(`MimError: ${expected}`);
      expect(String(error).split("\n")[0]).toContain("; "); // a remedy, in the same line
    });

    it("refuses a browser that alters one pixel of a canvas, so that no photograph gets a verdict", async () => {
      const noise = `
        const own = OffscreenCanvasRenderingContext2D.prototype.getImageData;
        OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...area) {
          const found = own.apply(this, area);
          found.data[found.data.length >> 1] ^= 1;
          return found;
        };`;
      const expected = "MimError: this browser alters the pixels that a page reads from a canvas, to protect against";
      site.made.set("/noise.js", { type: "text/javascript", content: `${noise} importScripts("/scorer/worker-script.js");` });
      const error = await create(page, { worker: "/noise.js" }).catch((thrown: Error) => thrown);
      expect(String(error)).toContain(expected);
      const own = await site.open();
      await own.evaluate(noise);
      const decoding = own.evaluate(async (address) => {
        const photo = await (await fetch(address)).blob();
        return mim.decode(photo, 192).then(String, String);
      }, judgeable);
      expect(await decoding).toContain(expected);
      await own.close();
    });

    it("does not hang if the WebAssembly cannot be instantiated", async () => {
      const full = 'WebAssembly.instantiate = () => Promise.reject(new RangeError("Out of memory"));';
      site.made.set("/full.js", { type: "text/javascript", content: `${full} importScripts("/scorer/worker-script.js");` });
      const error = await create(page, { worker: "/full.js" }).catch((thrown: Error) => thrown);
      expect(String(error)).toContain("MimError: LiteRT.js does not start (Out of memory); close other pages");
    });

    it("works with files of a zip, relative addresses, the variant without relaxed SIMD, of the wrong type, and tells its progress", async () => {
      const variant = "litert_wasm_compat_internal";
      site.made.set(`/plain/${variant}.js`, {
        type: "text/javascript",
        content: readFileSync(join(WASM, `${variant}.js`)),
      });
      site.made.set(`/plain/${variant}.wasm`, {
        type: "application/octet-stream",
        content: readFileSync(join(WASM, `${variant}.wasm`)),
      });
      const [verdict, steps] = await page.evaluate(async (address) => {
        const steps: { loaded: number; total: number }[] = [];
        const worker: PhotoScorer = await mim.createScorer({
          manifest: await (await fetch("/bundle/manifest.json")).blob(),
          model: await (await fetch("/bundle/mim.tflite")).blob(),
          wasm: "plain/litert_wasm_compat_internal.js",
          worker: "scorer/worker-script.js",
          onProgress: (step: { loaded: number; total: number }) => steps.push(step),
        });
        const photo = await (await fetch(address)).blob();
        const result = await worker.judge(photo);
        worker.close();
        return [result, steps] as const;
      }, judgeable);
      expectVerdict(photos.indexOf(judgeable), verdict);
      expect(steps.length).toBeGreaterThan(2);
      expect(steps.every(({ loaded, total }, i) => loaded <= total && loaded >= (steps[i - 1]?.loaded ?? 0))).toBe(
        true,
      );
      expect(steps.at(-1)!.loaded).toBe(steps.at(-1)!.total);
    });

    it("is aborted by a signal, before and after its start", async () => {
      const errors = await page.evaluate(async (files) => {
        const late = new AbortController();
        const loading = mim.createScorer({ ...files, signal: late.signal }).catch((error: Error) => error.name);
        setTimeout(() => late.abort(), 20);
        return [
          await mim.createScorer({ ...files, signal: AbortSignal.abort() }).catch((error: Error) => error.name),
          await loading,
        ];
      }, FILES);
      expect(errors).toEqual(["AbortError", "AbortError"]);
    });

    it("can be repeated after it has failed", async () => {
      site.made.set("/bundle/mim.tflite", { status: 503, content: "" });
      const error = await create(page).catch((thrown: Error) => thrown);
      expect(String(error)).toContain("/bundle/mim.tflite: 503 Service Unavailable");
      site.made.delete("/bundle/mim.tflite");
      await close(await create(page));
    });
  });

  it("rejects photographs of a closed scorer", async () => {
    const other = await create(page);
    const errors = await page.evaluate(
      async ([worker, address]) => {
        const photo = await (await fetch(address)).blob();
        const waiting = worker.judge(photo).catch((error) => error.message);
        worker.close();
        return [await waiting, await worker.judge(photo).catch((error) => error.message)];
      },
      [other, judgeable] as const,
    );
    expect(errors).toEqual(Array(2).fill("the scorer is closed; load it again"));
  });

  it("judges in the page's own thread", async () => {
    const imports = { "@litertjs/core": "/core/index.js", "@litertjs/wasm-utils": "/utils/index.js" };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    site.made.set("/thread.js", {
      content: 'import { loadScorer } from "/scorer/litert.js"; globalThis.mim = { loadScorer };',
    });
    site.made.set("/thread.html", {
      content: `<!doctype html>${map}<link rel="icon" href="data:,"><body><script type="module" src="/thread.js"></script>`,
    });
    const own = await site.open("/thread.html");
    const results = await own.evaluate(
      async ([files, address]) => {
        const photo = await (await fetch(address)).blob();
        // Both share the WebAssembly, which is global.
        const scorers: PhotoScorer[] = await Promise.all([mim.loadScorer(files), mim.loadScorer(files)]);
        const judged = await Promise.all(scorers.map((one) => one.judge(photo)));
        scorers[0].close();
        const closed = await scorers[0].judge(photo).catch((error) => error.message);
        return { judged: [...judged, await scorers[1].judge(photo)], closed, global: "Module" in globalThis };
      },
      [FILES, judgeable] as const,
    );
    for (const result of results.judged) expectVerdict(photos.indexOf(judgeable), result);
    expect(results.closed).toBe("the scorer is closed; load it again");
    expect(results.global).toBe(false);
    await own.close();
  });

  describe("<mim-judge>", () => {
    let own: Page;
    const file = (number: number) => join(bundle, "golden", photos[number].split("/").pop()!);
    const status = () => own.getByRole("status");

    beforeAll(async () => {
      const element = '<mim-judge bundle="/bundle" wasm="/litert/">Photograph of a lesion</mim-judge>';
      const page = `<!doctype html><html lang="en"><title>Test</title><link rel="icon" href="data:,">${element}`;
      site.made.set("/element.html", { content: `${page}<script type="module" src="/scorer/element.js"></script>` });
      own = await site.open("/element.html");
      await own.evaluate(() => {
        Object.assign(globalThis, { events: [] });
        for (const name of ["mim-result", "mim-error"]) {
          document.addEventListener(name, (event) =>
            (globalThis as any).events.push([name, (event as CustomEvent).detail.verdict]),
          );
        }
      });
    });

    it("shows verdicts in words, reasons with a remedy, and the statement", async () => {
      const verdicts = ["mpox-like", "not-mpox-like", "undecided", "cannot-judge"];
      const words = ["More like mpox than most", "Less like mpox than", "Undecided: neither", "cannot be judged: "];
      for (const [place, verdict] of verdicts.entries()) {
        const number = golden.images.findIndex((entry) => entry.verdict === verdict);
        await own.locator("input").setInputFiles(file(number));
        await expect.poll(() => status().textContent(), { timeout: 30_000 }).toContain(words[place]);
        const { reason } = golden.images[number];
        if (reason) expect(await status().textContent()).toContain(`${reason}; `);
        expect(await status().textContent()).toMatch(/see a doctor. Do not wait because of this verdict.$/);
      }
      expect(await own.evaluate(() => (globalThis as any).events)).toEqual(
        verdicts.map((name) => ["mim-result", name]),
      );
      const { statement } = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8"));
      expect(await own.locator(".statement").textContent()).toBe(statement);
    });

    it("has a field with its text as the accessible name, and a status", async () => {
      const session = await own.context().newCDPSession(own);
      const { nodes } = await session.send("Accessibility.getFullAXTree");
      const names = nodes.map(({ role, name }) => `${role?.value} ${name?.value}`);
      expect(names.some((name) => name.startsWith("button Photograph of a lesion"))).toBe(true);
      expect(nodes.some(({ role }) => role?.value === "status")).toBe(true);
    });

    it("shows nothing after a cancelled choice, and the last of two photographs", async () => {
      const [first, last] = ["mpox-like", "undecided"].map((name) =>
        golden.images.findIndex(({ verdict }) => verdict === name),
      );
      const input = own.locator("input");
      await input.setInputFiles(file(first));
      await input.setInputFiles(file(last));
      await expect.poll(() => status().textContent()).toContain("Undecided");
      await input.setInputFiles([]);
      expect(await status().textContent()).toBe("");
    });

    it("forgets the photograph that is being judged when it is removed", async () => {
      const events = await own.evaluate(() => (globalThis as any).events.length);
      await own.locator("input").setInputFiles(file(0));
      await expect.poll(() => status().textContent()).not.toBe("");
      await own.evaluate(() => {
        const element = document.querySelector("mim-judge")!;
        element.remove();
        document.body.append(element);
      });
      expect(await status().textContent()).toBe("");
      expect(await own.locator("input").inputValue()).toBe("");
      await own.waitForTimeout(500);
      expect(await status().textContent()).toBe("");
      expect(await own.evaluate(() => (globalThis as any).events.length)).toBe(events);
    });

    it("keeps the progress if another photograph is chosen while the bundle is loaded", async () => {
      const other = await site.browser.newPage();
      // The model is sent when the second photograph has been chosen.
      let send = () => {};
      const chosen = new Promise<void>((resolve) => (send = resolve));
      await other.route("**/mim.tflite", async (route) => {
        await chosen;
        await route.continue();
      });
      await other.goto(`${site.origin}/element.html`);
      const text = other.getByRole("status");
      const last = golden.images.findIndex(({ verdict }) => verdict === "undecided");
      await other.locator("input").setInputFiles(file(0));
      await expect.poll(() => text.textContent(), { timeout: 30_000 }).toMatch(/^Loading, [2-7]/);
      await other.locator("input").setInputFiles(file(last));
      expect(await text.textContent()).toMatch(/^Loading, [2-7]/);
      send();
      await expect.poll(() => text.textContent(), { timeout: 30_000 }).toContain("Undecided");
      await other.close();
    });

    it("shows an error and loads again with the next photograph", async () => {
      await own.evaluate(() => {
        const element = document.querySelector("mim-judge")!;
        element.remove();
        element.setAttribute("bundle", "/x/");
        document.body.append(element);
      });
      const number = golden.images.findIndex(({ verdict }) => verdict === "undecided");
      await own.locator("input").setInputFiles(file(number));
      await expect.poll(() => status().textContent()).toContain("/x/manifest.json: 404 Not Found; copy the bundle");
      expect(await own.evaluate(() => (globalThis as any).events.at(-1)[0])).toBe("mim-error");
      await own.evaluate(() => document.querySelector("mim-judge")!.setAttribute("bundle", "/bundle/"));
      await own.locator("input").setInputFiles([]);
      await own.locator("input").setInputFiles(file(number));
      await expect.poll(() => status().textContent(), { timeout: 30_000 }).toContain("Undecided");
    });
  });

  function create(on: Page, options: object = {}): Promise<JSHandle<PhotoScorer>> {
    return on.evaluateHandle((files) => mim.createScorer(files), { ...FILES, ...options }) as Promise<
      JSHandle<PhotoScorer>
    >;
  }

  async function close(handle: JSHandle<PhotoScorer>): Promise<void> {
    await handle.evaluate((worker) => worker.close());
  }

  /** The result of `decode` for a file of the site. */
  async function decoded(path: string, size: number): Promise<{ width: number; height: number; image: Rgb }> {
    const found = await page.evaluate(
      async ([address, side]) => {
        const { width, height, image } = await mim.decode(await (await fetch(address)).blob(), side);
        return JSON.stringify({ width, height, data: Array.from(image.data) });
      },
      [path, size] as const,
    );
    const { width, height, data } = JSON.parse(found);
    return { width, height, image: { width: size, height: size, data: Uint8Array.from(data) } };
  }
});

/** A PNG whose compressed data are wrong in the middle. */
function damaged(): Buffer {
  const content = Buffer.from(
    encode({ width: 300, height: 300, channels: 3, data: new Uint8Array(270_000).map((_, i) => i * i) }),
  );
  content[content.length >> 1] ^= 255;
  return content;
}
