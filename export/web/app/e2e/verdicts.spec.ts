/** Golden images through the file picker, and other ways to give the app a photograph. */

import { readFileSync } from "node:fs";
import { expect, golden, go, judge, manifest, numberOf, picture, prefer, shownResult, test } from "./app";

/** The largest difference of a similarity from the golden one, as in the tests of the scorer. */
function allowed(similarity: number): number {
  const { name } = manifest.measure;
  return golden.tolerance[name] + (golden.tolerance[`${name}_relative`] ?? 0) * Math.abs(similarity);
}

/** The similarities at which a verdict changes. */
const thresholds: number[] = [manifest.calibration.threshold, manifest.reference.threshold ?? []].flat();

/** The p-values of a similarity by their definition in the contract. */
function pValues(similarity: number): [number, number] {
  const share = (table: typeof manifest.calibration, counts: (other: number) => boolean) => {
    const sum = table.weights.filter((_: number, i: number) => counts(table.similarities[i]));
    return (1 + sum.reduce((total: number, weight: number) => total + weight, 0)) / (table.groups + 1);
  };
  return [share(manifest.calibration, (s) => s <= similarity), share(manifest.reference, (s) => s >= similarity)];
}

// Tests of other files may have left other preferences.
test.beforeAll(({ opened: { page } }) => prefer(page, { language: "en" }));

test("golden images have the golden verdicts and reasons, and judging makes no request", async ({
  opened: { page, site },
}) => {
  const origins = new Set<string>();
  page.context().on("request", (request) => origins.add(new URL(request.url()).origin));
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) errors.push(message.text());
  });
  await judge(page, picture(numberOf("undecided")));
  site.asked.length = 0;
  for (const [number, entry] of golden.images.entries()) {
    const shown = await judge(page, picture(number));
    expect(shown.reason, entry.name).toBe(entry.reason);
    const near = thresholds.some((threshold) => Math.abs(entry.similarity - threshold) <= allowed(entry.similarity));
    if (!near) expect(shown.verdict, entry.name).toBe(entry.verdict);
    if (entry.reason !== null) {
      expect(shown.values).toEqual([]);
      continue;
    }
    // p_class grows with the similarity, p_other falls: both lie between those of the allowed similarities.
    const [least, most] = [-1, 1].map((sign) => pValues(entry.similarity + sign * allowed(entry.similarity)));
    const [pClass, pOther] = shown.values.map(Number);
    expect(pClass).toBeGreaterThanOrEqual(least[0] - 0.005);
    expect(pClass).toBeLessThanOrEqual(most[0] + 0.005);
    expect(pOther).toBeGreaterThanOrEqual(most[1] - 0.005);
    expect(pOther).toBeLessThanOrEqual(least[1] + 0.005);
  }
  // The browser itself looks for a new version of the app now and then.
  expect(site.asked.filter((path) => !path.endsWith("/sw.js"))).toEqual([]);
  expect([...origins].filter((origin) => origin !== "null")).toEqual([new URL(site.url).origin]);
  expect(errors).toEqual([]);
});

test("a result says verdict, bars, deviation and what to do, and bars are excluded as the verdict says", async ({
  opened: { page },
}) => {
  await judge(page, picture(numberOf("mpox-like")));
  await expect(page.locator(".verdict-text")).toHaveText(
    "This photograph looks more like photographs of mpox than like those of other skin.",
  );
  await expect(page.locator(".bar").nth(0)).toHaveAttribute("data-excluded", "false");
  await expect(page.locator(".bar").nth(1)).toHaveAttribute("data-excluded", "true");
  await expect(page.locator(".notice")).toHaveText("Research software, not a diagnosis. No image leaves the device.");
  await expect(page.locator(".next")).toContainText("see a doctor");
  expect(await page.locator(".result > section").evaluateAll((all) => all.map((one) => one.classList[1]))).toEqual([
    "verdict",
    "next",
    "bars",
    "compare",
  ]);
  await expect(page.locator(".bar h3").first()).toContainText("Mpox");
  await expect(page.locator(".pictures canvas")).toHaveCount(3);
  await expect(page.locator("#live")).toHaveText(await page.locator(".verdict-text").innerText());

  const opacity = () =>
    page
      .locator(".pictures canvas")
      .nth(1)
      .evaluate((canvas) => (canvas as HTMLElement).style.opacity);
  expect(await opacity()).toBe("0");
  await page.locator("#blend").focus();
  await page.keyboard.press("End");
  expect(await opacity()).toBe("1");
  await page.locator("#marked").uncheck();
  await expect(page.locator(".pictures canvas").nth(2)).toHaveCSS("opacity", "0");

  await judge(page, picture(numberOf("not-mpox-like")));
  await expect(page.locator(".bar").nth(0)).toHaveAttribute("data-excluded", "true");
  await expect(page.locator(".bar").nth(1)).toHaveAttribute("data-excluded", "false");
});

test("files that are no photograph are unreadable, and one that is too large says so", async ({ opened: { page } }) => {
  const heic = { name: "a.heic", mimeType: "image/heic", buffer: Buffer.from("\0\0\0\x18ftypheic\0\0\0\0") };
  expect(await judge(page, heic)).toEqual({ verdict: "cannot-judge", reason: "unreadable", values: [] });
  await expect(page.locator(".todo")).toContainText("Save HEIC photographs as JPEG");
  const cut = { name: "a.png", mimeType: "image/png", buffer: readFileSync(picture(0)).subarray(0, 2000) };
  expect((await judge(page, cut)).reason).toBe("unreadable");
  // The header of a PNG of 20,000 x 20,000 pixels.
  const large = Buffer.from(readFileSync(picture(0)));
  large.writeUInt32BE(20_000, 16);
  large.writeUInt32BE(20_000, 20);
  expect((await judge(page, { name: "a.png", mimeType: "image/png", buffer: large })).reason).toBe("too large");
  await expect(page.locator("#live")).toHaveText(
    "This photograph cannot be judged. It has more pixels than this device can read. " +
      "Shrink the image, or take it with fewer megapixels.",
  );
});

test("photographs can be dropped, pasted and shared", async ({ opened: { page } }) => {
  const number = numberOf("mpox-like");
  const data = readFileSync(picture(number)).toString("base64");
  await go(page, "about");
  for (const kind of ["drop", "paste"] as const) {
    await page.evaluate(
      ([name, content]) => {
        const transfer = new DataTransfer();
        transfer.items.add(
          new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], "a.png", { type: "image/png" }),
        );
        const event =
          name === "drop"
            ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
        document.body.dispatchEvent(event);
      },
      [kind, data],
    );
    expect((await shownResult(page)).verdict).toBe("mpox-like");
    await go(page, "about");
  }
  // What a browser sends for `share_target` of the web manifest.
  await page.evaluate(async (content) => {
    const form = new FormData();
    form.append(
      "photo",
      new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], "a.png", { type: "image/png" }),
    );
    await fetch("share", { method: "POST", body: form, redirect: "manual" });
    location.hash = "#/shared";
  }, data);
  expect((await shownResult(page)).verdict).toBe("mpox-like");
  expect(await page.evaluate(async () => (await caches.keys()).filter((name) => name.includes("shared")))).toEqual([]);
});
