/**
 * Draws the PNG icons from `public/icons/icon.svg` in Chromium:
 *
 *     node tools/icons.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const icons = new URL("../public/icons/", import.meta.url);
const svg = readFileSync(new URL("icon.svg", icons), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
// Launchers cut a maskable icon to any shape within the middle 80 %, so it needs a background without corners.
const full = svg.replace('rx="20"', 'rx="0"');
for (const [name, side, picture] of [
  ["180", 180, full],
  ["192", 192, svg],
  ["512", 512, svg],
  ["maskable", 512, full],
]) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw }</style>${picture}`);
  writeFileSync(new URL(`${name}.png`, icons), await page.screenshot({ omitBackground: true }));
}
await browser.close();
