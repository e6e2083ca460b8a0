/**
 * Judges the golden images of a bundle in the project of `fresh.sh`, through the field of its page.
 *
 * Environment: BUNDLE, the folder of the bundle, and CHROMIUM, the browser.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { build, createServer, preview } from "vite";

/** The policy that the README of the installed package recommends. */
const POLICY = readFileSync("node_modules/@mim-tf/scorer/README.md", "utf8").match(/^ {4}(default-src .*)$/m)[1];
const server = { host: "127.0.0.1", headers: { "content-security-policy": POLICY } };
const { BUNDLE, CHROMIUM } = process.env;
const golden = JSON.parse(readFileSync(join(BUNDLE, "golden", "golden.json"), "utf8"));
const { calibration, measure, reference, statement } = JSON.parse(readFileSync(join(BUNDLE, "manifest.json"), "utf8"));
/** Golden images that were judged as they should be, on both sites. */
const passed = golden.images.map(() => true);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

const development = await createServer({ logLevel: "error", server });
await development.listen();
await judgeAll("the development server", development.resolvedUrls.local[0]);
await development.close();
await build({ logLevel: "error" });
const built = await preview({ logLevel: "error", preview: server });
await judgeAll("the built site", built.resolvedUrls.local[0]);
await showsErrors(built.resolvedUrls.local[0]);
await built.close();
await browser.close();

const good = passed.filter(Boolean).length;
console.log(`${good} passed, ${passed.length - good} failed`);
process.exitCode = good < passed.length ? 1 : 0;

async function judgeAll(name, url) {
  const began = performance.now();
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(`${name}: ${error.message}`));
  page.on("console", (message) => message.text().includes("Content Security Policy") && fail(name, message.text()));
  page.on("request", (request) => new URL(request.url()).host === new URL(url).host || fail(name, request.url()));
  await page.goto(url);
  const [input, output] = [page.locator("input"), page.locator("output")];
  await page.locator("input:enabled").waitFor();
  console.log(`${name}: loaded in ${Math.round(performance.now() - began)} ms`);
  for (const [number, expected] of golden.images.entries()) {
    await input.setInputFiles(join(BUNDLE, "golden", `${String(number).padStart(2, "0")}_input.png`));
    await page.waitForFunction(() => document.querySelector("output").value !== "Judging the photograph");
    const found = await output.textContent();
    const start = expected.reason === null ? `${expected.verdict} (` : `cannot-judge: ${expected.reason}; `;
    if (found.startsWith(start) && found.endsWith(`(${statement})`)) continue;
    if (isNear(expected) && found.endsWith(`(${statement})`)) continue;
    passed[number] = false;
    console.error(`${name}: image ${number}: "${found}" in place of "${start}"`);
  }
  await page.close();
}

/** Checks that the page shows why it cannot load the model. */
async function showsErrors(url) {
  const page = await browser.newPage();
  await page.route("**/mim.tflite", (route) => route.fulfill({ status: 404 }));
  await page.goto(url);
  const start = "/bundle/mim.tflite: 404";
  const shown = page.waitForFunction((text) => document.querySelector("output").value.startsWith(text), start);
  await shown.catch(() => fail("the built site", "does not show that the model is missing"));
  await page.close();
}

/** Whether a runtime may give another verdict: the similarity is within the tolerance of a threshold. */
function isNear({ similarity, reason }) {
  const { tolerance } = golden;
  const allowed = tolerance[measure.name] + (tolerance[`${measure.name}_relative`] ?? 0) * Math.abs(similarity);
  const thresholds = [calibration.threshold, reference.threshold].filter((value) => value !== null);
  return reason === null && thresholds.some((threshold) => Math.abs(similarity - threshold) <= allowed);
}

function fail(name, what) {
  console.error(`${name}: ${what}`);
  passed.fill(false);
}
