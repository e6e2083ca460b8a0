/** Keeping the app on the device: without a network, with interruptions, and updates. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dist, expect, judge, manifest, numberOf, openApp, openSite, picture, ready, test } from "./app";

test("works after the server is gone", async ({ page, site }) => {
  await openApp(page, site);
  await site.close();
  await page.goto("about:blank");
  for (const [file, text] of [
    ["LICENSE", "Licence of the released weights"],
    ["LICENSE.EfficientNet-Lite0", "weights trained on ImageNet"],
    ["MODEL_CARD.md", manifest.model_id],
  ]) {
    await page.goto(`${site.url}bundle/${file}`);
    await expect(page.locator("body")).toContainText(text);
  }
  await page.goto(site.url);
  await ready(page);
  expect((await judge(page, picture(numberOf("mpox-like")))).verdict).toBe("mpox-like");
  await page.reload();
  await expect(page.locator("h1")).toHaveText("Compare a photograph of skin with mpox");
});

test("each file is downloaded once", async ({ page, site }) => {
  await openApp(page, site);
  await judge(page, picture(numberOf("mpox-like")));
  const large = site.asked.filter((path) => /\.(wasm|tflite)$/.test(path));
  expect(large.sort()).toEqual([...new Set(large)]);
  expect(large.length).toBe(2);
});

test("a download that fails is tried again, and says so; after a failure the user can try again", async ({
  page,
  site,
}) => {
  site.broken.set("mim.tflite", 503);
  await page.goto(site.url);
  await expect(page.locator('footer[data-state="retrying"]')).toContainText("tries again in 1 s");
  await expect(page.locator('footer[data-state="failed"]')).toContainText("The download did not finish");
  // Without the model, a photograph gets an error of one line.
  await page.setInputFiles(".choices input", picture(0));
  await expect(page.getByRole("alert")).toContainText("mim.tflite: 503 Service Unavailable");
  site.broken.clear();
  site.asked.length = 0;
  await page.locator("footer").getByRole("button", { name: "Try again" }).click();
  await ready(page);
  // The files before the one that failed are kept.
  expect(site.asked.filter((path) => path.endsWith(".wasm"))).toEqual([]);
  await page.locator("main").getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("[data-verdict]")).toBeVisible();
});

test("files that the browser has deleted are downloaded again", async ({ page, site }) => {
  await openApp(page, site);
  await page.evaluate(async () => {
    const cache = await caches.open("mim-tf-files");
    await cache.delete(new URL("bundle/mim.tflite", document.baseURI), { ignoreSearch: true });
  });
  site.asked.length = 0;
  await page.reload();
  await ready(page);
  expect(site.asked.filter((path) => !path.endsWith("sw.js"))).toEqual(["/some/folder/bundle/mim.tflite"]);
});

test("a new version is offered, and replaces the old one when the user agrees", async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), "mim-tf-app-"));
  cpSync(dist, folder, { recursive: true });
  const site = await openSite(folder);
  try {
    await openApp(page, site);
    const replace = (name: string, from: RegExp, to: string) =>
      writeFileSync(join(folder, name), readFileSync(join(folder, name), "utf8").replace(from, to));
    replace("index.html", /<html lang="en">/, '<html lang="en" data-made="new">');
    replace("sw.js", /("revision":")[0-9a-f]+(","url":"index\.html")/, "$1new$2");
    site.asked.length = 0;
    await page.reload();
    await expect(page.locator("footer")).toContainText("A new version of the app is ready.");
    await expect(page.locator("html")).not.toHaveAttribute("data-made", "new");
    await page.getByRole("button", { name: "Update now" }).click();
    await expect(page.locator("html")).toHaveAttribute("data-made", "new");
    await ready(page);
    // Only the file that changed is downloaded.
    expect(site.asked.filter((path) => !path.endsWith("sw.js"))).toEqual(["/some/folder/index.html"]);
  } finally {
    await site.close();
    rmSync(folder, { recursive: true });
  }
});

test("English is used if a language cannot be loaded, and a database that does not answer hides nothing", async ({
  browser,
  site,
}) => {
  const context = await browser.newContext({ locale: "es-ES" });
  const page = await context.newPage();
  await page.addInitScript(() => (IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest));
  await page.route(/assets\/es-/, (route) => route.abort());
  await page.goto(site.url);
  await expect(page.getByRole("alert")).toContainText("The texts in Español could not be loaded");
  await expect(page.locator("h1")).toHaveText("Compare a photograph of skin with mpox");
  expect((await judge(page, picture(numberOf("mpox-like")))).verdict).toBe("mpox-like");
  await context.close();
});

test("the files that are kept have at most 14 MB", async () => {
  const entries = readFileSync(join(dist, "sw.js"), "utf8").matchAll(/"bytes":(\d+)/g);
  const bytes = [...entries].map(([, size]) => Number(size));
  expect(bytes.length).toBeGreaterThan(10);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(14_000_000);
});
