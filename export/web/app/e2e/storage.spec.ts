/** What is kept on the device: history, preferences, and another model. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { zipSync } from "fflate";
import { bundle, expect, go, judge, manifest, numberOf, openApp, picture, ready, test } from "./app";

/** The number of saved results. */
async function saved(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const request = indexedDB.open("mim-tf");
    await new Promise((resolve) => (request.onsuccess = resolve));
    if (!request.result.objectStoreNames.contains("history")) return 0;
    const count = request.result.transaction("history").objectStore("history").count();
    await new Promise((resolve) => (count.onsuccess = resolve));
    request.result.close();
    return count.result;
  });
}

test("the history is off until the user switches it on, and each entry and all can be deleted", async ({
  page,
  site,
}) => {
  await openApp(page, site);
  await judge(page, picture(numberOf("mpox-like")));
  expect(await saved(page)).toBe(0);
  await go(page, "history");
  await expect(page.locator("main")).toContainText("The history is off. Nothing is saved.");

  await go(page, "settings");
  await page.getByLabel("Save results in a history").check();
  for (const result of ["mpox-like", "undecided", "too small"]) {
    await judge(page, picture(numberOf(result)));
    await expect(page.locator("main")).toContainText("Saved in the history on this device.");
  }
  expect(await saved(page)).toBe(3);
  // Back and Forward while a photograph is judged: it is judged and saved once.
  await go(page, "start");
  await page.setInputFiles(".choices input", picture(numberOf("blurred")));
  await page.goBack();
  await page.goForward();
  await expect(page.locator("main")).toContainText("Saved in the history on this device.");
  expect(await saved(page)).toBe(4);
  await page.reload();
  await go(page, "history");
  await expect(page.locator(".entry h2")).toHaveText([
    "Cannot be judged",
    "Cannot be judged",
    "Undecided",
    "More like mpox",
  ]);
  await expect(page.locator(".entry").nth(1)).toContainText("It has too few pixels.");
  await expect(page.locator(".entry").nth(3)).toContainText(`Model ${manifest.model_id}`);
  await expect(page.locator(".entry img")).toHaveCount(3);

  // Verdicts are never without the statement and the advice.
  await expect(page.locator("main .notice")).toHaveText(manifest.statement);
  await expect(page.locator("main .next")).toContainText("see a doctor");

  // A result that cannot be deleted stays, and the page says so.
  await page.evaluate(() => {
    const remove = IDBObjectStore.prototype.delete;
    IDBObjectStore.prototype.delete = () => {
      IDBObjectStore.prototype.delete = remove;
      throw new DOMException("The disk is full.", "QuotaExceededError");
    };
  });
  await page.locator(".entry").nth(2).getByRole("button").click();
  await expect(page.getByRole("alert")).toContainText("The disk is full.");
  expect(await saved(page)).toBe(4);

  await page.locator(".entry").nth(2).getByRole("button").click();
  await expect(page.locator(".entry h2")).toHaveText(["Cannot be judged", "Cannot be judged", "More like mpox"]);
  await expect(page.locator(".entry").nth(2).getByRole("button")).toBeFocused();
  page.once("dialog", (dialog) => dialog.dismiss());
  await page.getByRole("button", { name: "Delete all results" }).click();
  expect(await saved(page)).toBe(3);
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Delete all results" }).click();
  await expect(page.locator("main")).toContainText("No results are saved.");
  expect(await saved(page)).toBe(0);

  await go(page, "settings");
  await page.getByLabel("Save results in a history").uncheck();
  await judge(page, picture(numberOf("undecided")));
  expect(await saved(page)).toBe(0);
});

test("another model is opened from a zip, kept if asked for, and left again; a damaged zip is refused", async ({
  page,
  site,
}) => {
  const model = readFileSync(join(bundle, "mim.tflite"));
  const file = (name: string, changes: object, content: Uint8Array) => {
    const text = JSON.stringify({ ...manifest, ...changes });
    const buffer = Buffer.from(zipSync({ "manifest.json": Buffer.from(text), "mim.tflite": content }, { level: 0 }));
    return { name, mimeType: "application/zip", buffer };
  };
  const statement = "Made for a test, not a diagnosis.";
  const licence = { weights: "Apache-2.0", commercial: true };
  const other = file("other.zip", { normal_class: "chickenpox", statement, licence }, model);
  const message = page.locator("#model-message");
  await openApp(page, site);
  await go(page, "settings");

  const damaged = { ...other, name: "damaged.zip", buffer: Buffer.from(other.buffer) };
  damaged.buffer[damaged.buffer.indexOf(model.subarray(0, 100)) + 5000] ^= 1;
  await page.setInputFiles("#bundle", damaged);
  await expect(message).toHaveText(/^damaged\.zip was not opened: mim\.tflite: differs from its sha256/);
  await page.setInputFiles("#bundle", file("old.zip", { format: 3 }, model));
  await expect(message).toHaveText(/^old\.zip was not opened: .*format 3/);
  expect((await judge(page, picture(numberOf("mpox-like")))).verdict).toBe("mpox-like");
  await expect(page.locator(".verdict h2")).toHaveText("More like mpox");

  await go(page, "settings");
  await page.setInputFiles("#bundle", other);
  await expect(message).toHaveText("The model of other.zip is used.");
  await expect(page.locator("#bundle")).toBeFocused();
  // The photograph before is judged again, by this model.
  await go(page, "result");
  await expect(page.locator(".verdict h2")).toHaveText("More like chickenpox");
  await expect(page.locator("main .notice")).toHaveText(statement);
  await go(page, "start");
  await expect(page.locator("h1")).toHaveText("Compare a photograph of skin with chickenpox");
  await expect(page.locator("main")).toContainText("The model may be used commercially");
  await go(page, "result");
  await expect(page.locator("[data-verdict]")).toBeVisible();
  // What authorities say about mpox does not belong here.
  await expect(page.locator(".next")).not.toContainText("who.int");
  await page.reload();
  await go(page, "settings");
  await expect(message).toHaveText("The built-in model is used.");

  await page.getByLabel("Keep it in this browser").check();
  await page.setInputFiles("#bundle", other);
  await expect(message).toHaveText("The model of other.zip is used.");
  await page.reload();
  await ready(page);
  await judge(page, picture(numberOf("mpox-like")));
  await expect(page.locator(".verdict h2")).toHaveText("More like chickenpox");
  await go(page, "settings");
  await page.getByRole("button", { name: "Use the built-in model" }).click();
  await expect(message).toHaveText("The built-in model is used.");
  await page.reload();
  await judge(page, picture(numberOf("mpox-like")));
  await expect(page.locator(".verdict h2")).toHaveText("More like mpox");
});
