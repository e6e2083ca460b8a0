/**
 * Takes pictures of every screen at the size of a phone, in the built app with made photographs:
 *
 *     node tools/screenshots.mjs [FOLDER]
 *
 * FOLDER is `screenshots` by default.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { serve } from "./serve.mjs";
import { cameraArguments, readFrame, writeVideo } from "./video.mjs";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const golden = (number) => join(process.env.MIM_BUNDLE ?? join(root, "export/released"), `golden/${number}_input.png`);
const out = process.argv[2] ?? fileURLToPath(new URL("../screenshots/", import.meta.url));
mkdirSync(out, { recursive: true });

const temporary = mkdtempSync(join(tmpdir(), "mim-tf-app-"));
const video = join(temporary, "made.y4m");
writeVideo(video, readFrame(golden("03")));

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: cameraArguments(video),
});
const context = await browser.newContext({
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 1,
  hasTouch: true,
  permissions: ["camera"],
});
const page = await context.newPage();
await page.goto(server.url);
await page.waitForSelector('footer[data-state="ready"]');

/** Chooses language and theme, and starts the app again. */
async function start(language, theme, history = false) {
  await page.evaluate((chosen) => localStorage.setItem("mim-tf-preferences", JSON.stringify(chosen)), {
    language,
    theme,
    history,
  });
  await page.goto(`${server.url}#/about`);
  await page.reload();
}

async function open(screen) {
  await page.evaluate((name) => (location.hash = `#/${name}`), screen);
  await page.waitForSelector(`body[data-screen="${screen}"]`);
}

async function judge(number) {
  await open("start");
  await page.setInputFiles(".choices input", golden(number));
  await page.waitForSelector("[data-verdict]");
  await page.waitForTimeout(300); // until the result is saved, which adds a line
}

/** Takes a picture of the whole page, on a screen as high as the page, since the menu is fixed to its end. */
async function shoot(name) {
  const height = await page.evaluate(() => document.body.scrollHeight);
  await page.setViewportSize({ width: 390, height: Math.max(844, height) });
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(out, `${name}.png`) });
  await page.setViewportSize({ width: 390, height: 844 });
}

for (const [language, theme] of [
  ["en", "light"],
  ["en", "dark"],
  ["fr", "light"],
  ["sw", "dark"],
  ["zh-Hans", "light"],
  ["es", "light"],
  ["pt", "light"],
]) {
  const name = `${language}-${theme}`;
  await start(language, theme, true);
  for (const screen of ["start", "settings", "about"]) {
    await open(screen);
    await page.waitForTimeout(200);
    await shoot(`${name}-${screen}`);
  }
  await judge("01");
  await shoot(`${name}-mpox-like`);
  if (language !== "en") continue;
  for (const [number, verdict] of [
    ["00", "not-mpox-like"],
    ["03", "undecided"],
    ["12", "not-skin"],
    ["14", "blurred"],
    ["15", "too-small"],
  ]) {
    await judge(number);
    await shoot(`${name}-${verdict}`);
  }
  await open("history");
  await page.waitForSelector(".entry");
  await shoot(`${name}-history`);
  await open("camera");
  await page.waitForTimeout(1500);
  await shoot(`${name}-camera`);
}
await browser.close();
await server.close();
rmSync(temporary, { recursive: true });
