/**
 * Measures the built app in Chromium, served from this machine:
 *
 *     node tools/measure.mjs
 *
 * - first verdict: from the start of the navigation in a browser without data until the verdict of a photograph that is
 *   chosen as soon as that is possible; with the app on the device, the same again
 * - warm: from the choice of a photograph of 1000 x 1000 pixels until its verdict is shown, median of 20
 * - size of all files that are kept, and of their Brotli compression (quality 11)
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { chromium } from "@playwright/test";
import { serve } from "./serve.mjs";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const bundle = process.env.MIM_BUNDLE ?? fileURLToPath(new URL("../../../released/", import.meta.url));

const names = [...readFileSync(join(dist, "sw.js"), "utf8").matchAll(/"url":"([^"]+)"/g)].map(([, name]) => name);
const contents = names.map((name) => readFileSync(join(dist, name)));
const sum = (sizes) => (sizes.reduce((total, size) => total + size, 0) / 1e6).toFixed(2);
console.log(`kept on the device: ${sum(contents.map(({ length }) => length))} MB in ${names.length} files`);
console.log(`Brotli: ${sum(contents.map((content) => brotliCompressSync(content).length))} MB`);

const server = await serve();
const profile = mkdtempSync(join(tmpdir(), "mim-tf-app-"));
const options = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", viewport: { width: 390, height: 844 } };
for (const state of ["without data", "with the app on the device"]) {
  const context = await chromium.launchPersistentContext(profile, options);
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(server.url, { waitUntil: "commit" });
  await page.setInputFiles(".choices input", join(bundle, "golden/03_input.png"));
  await page.waitForSelector("[data-verdict]");
  console.log(`first verdict, browser ${state}: ${Math.round(performance.now() - start)} ms`);
  if (state === "with the app on the device") console.log(`warm, 1 MP: ${await warm(page)} ms`);
  await context.close();
}
rmSync(profile, { recursive: true });
await server.close();

/** Milliseconds from the choice of a made photograph of 1 MP until the verdict is in the page; median of 20. */
async function warm(page) {
  return page.evaluate(async () => {
    const canvas = new OffscreenCanvas(1000, 1000);
    const context = canvas.getContext("2d");
    for (let i = 0; i < 4000; i++) {
      context.fillStyle = `rgb(${150 + (i % 80)}, ${100 + (i % 60)}, ${80 + (i % 50)})`;
      context.fillRect((i * 7919) % 1000, (i * 104729) % 1000, 30, 30);
    }
    const photo = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
    const times = [];
    for (let i = 0; i < 20; i++) {
      location.hash = "#/start";
      while (!document.querySelector(".choices input")) await new Promise((done) => setTimeout(done, 10));
      const input = document.querySelector(".choices input");
      const chosen = new DataTransfer();
      chosen.items.add(new File([photo], "made.jpg")); // the app judges the same file once
      input.files = chosen.files;
      const start = performance.now();
      input.dispatchEvent(new Event("change"));
      await new Promise((done) => {
        const observer = new MutationObserver(() => {
          if (!document.querySelector("[data-verdict]")) return;
          observer.disconnect();
          done();
        });
        observer.observe(document.body, { childList: true, subtree: true });
      });
      times.push(performance.now() - start);
    }
    return Math.round(times.sort((a, b) => a - b)[10]);
  });
}
