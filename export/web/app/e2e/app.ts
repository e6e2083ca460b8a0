/** What the tests share: the served app, and steps in it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test as base, expect, type Page } from "@playwright/test";
import { serve } from "../tools/serve.mjs";

/** The bundle that the app was built with. */
export const bundle = process.env.MIM_BUNDLE ?? fileURLToPath(new URL("../../../released", import.meta.url));
/** The built app. */
export const dist = fileURLToPath(new URL("../dist", import.meta.url));

interface GoldenImage {
  readonly name: string;
  readonly similarity: number;
  readonly p_class: number;
  readonly p_other: number;
  readonly verdict: string;
  readonly reason: string | null;
}

interface Golden {
  readonly tolerance: Readonly<Record<string, number>>;
  readonly images: readonly GoldenImage[];
}

export const golden = JSON.parse(readFileSync(join(bundle, "golden/golden.json"), "utf8")) as Golden;
export const manifest = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8"));

/** The file of a golden image. */
export function picture(number: number): string {
  return join(bundle, "golden", `${String(number).padStart(2, "0")}_input.png`);
}

/** The number of the first golden image with a verdict or a reason. */
export function numberOf(result: string): number {
  return golden.images.findIndex(({ verdict, reason }) => (reason ?? verdict) === result);
}

/** A server that remembers what was asked of it. */
export interface Site {
  readonly url: string;
  readonly asked: string[];
  /** Paths that are answered with a status in place of the file, by their end. */
  readonly broken: Map<string, number>;
  close(): Promise<void>;
}

/** Serves a folder below an address that is not the root. */
export async function openSite(folder = dist): Promise<Site> {
  const asked: string[] = [];
  const broken = new Map<string, number>();
  const intercept = (path: string) => {
    asked.push(path);
    return [...broken].find(([end]) => path.endsWith(end))?.[1];
  };
  const server = await serve({ folder, prefix: "/some/folder/", intercept });
  return { url: server.url, asked, broken, close: server.close };
}

/** The app, open and kept on the device, for all tests of a file that change nothing on the device. */
export interface Opened {
  readonly page: Page;
  readonly site: Site;
}

/** `test` with a served app, and for each test a browser without any data; or with `opened`, which loads less often. */
export const test = base.extend<{ site: Site }, { opened: Opened }>({
  site: async ({}, use) => {
    const site = await openSite();
    await use(site);
    await site.close();
  },
  opened: [
    async ({ browser }, use) => {
      const site = await openSite();
      const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "en-GB" });
      const page = await context.newPage();
      await openApp(page, site);
      await use({ page, site });
      await context.close();
      await site.close();
    },
    { scope: "worker" },
  ],
});

/** Opens the app, and waits until it is on the device. */
export async function openApp(page: Page, site: Site): Promise<void> {
  await page.goto(site.url);
  await ready(page);
}

export async function ready(page: Page): Promise<void> {
  await expect(page.locator('footer[data-state="ready"]')).toBeVisible();
}

/** Goes to a screen by its address. */
export async function go(page: Page, screen: string): Promise<void> {
  await page.evaluate((name) => (location.hash = `#/${name}`), screen);
  await expect(page.locator(`body[data-screen="${screen}"]`)).toBeVisible();
}

/** What a result shows. */
export interface Shown {
  readonly verdict: string;
  readonly reason: string | null;
  /** The two p-values, or nothing. */
  readonly values: readonly string[];
}

/** Chooses a photograph, and waits for the result. */
export async function judge(page: Page, file: Parameters<Page["setInputFiles"]>[1]): Promise<Shown> {
  await go(page, "start");
  await page.setInputFiles(".choices input", file);
  return shownResult(page);
}

export async function shownResult(page: Page): Promise<Shown> {
  const section = page.locator("[data-verdict]");
  await expect(section).toBeVisible();
  return {
    verdict: (await section.getAttribute("data-verdict"))!,
    reason: await section.getAttribute("data-reason"),
    values: await page.locator(".bar-value").allTextContents(),
  };
}

/** Sets preferences as the settings do, and starts the app again. */
export async function prefer(page: Page, preferences: Record<string, unknown>): Promise<void> {
  await page.evaluate((chosen) => localStorage.setItem("mim-tf-preferences", JSON.stringify(chosen)), preferences);
  await page.reload();
  await ready(page);
}

export { expect };
