/** The camera, whose pictures Chromium takes from a file. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "@playwright/test";
import { decode } from "fast-png";
import { HEIGHT, WIDTH, cameraArguments, readFrame, writeVideo } from "../tools/video.mjs";
import { expect, go, judge, numberOf, openApp, picture, shownResult, test } from "./app";

const level = readFrame(picture(numberOf("undecided")));

/** Runs a test in a browser of its own, started with arguments. */
async function withBrowser(args: string[], use: (page: Page) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  try {
    await use(await browser.newPage({ viewport: { width: 390, height: 844 }, locale: "en-GB" }));
  } finally {
    await browser.close();
  }
}

/** The photograph that was taken, which the app keeps in memory only. */
async function taken(page: Page): Promise<Buffer> {
  const content = await page.evaluate(async () => {
    const blob = (globalThis as unknown as { made: Blob[] }).made.at(-1)!;
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  });
  return Buffer.from(content);
}

test("a photograph of the camera has the verdict of the same picture in a file", async ({ site }) => {
  const folder = mkdtempSync(join(tmpdir(), "mim-tf-app-"));
  const file = join(folder, "made.y4m");
  writeVideo(file, level);
  await withBrowser(cameraArguments(file), async (page) => {
    await page.addInitScript(() => {
      const made: Blob[] = [];
      const original = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        made.push(blob as Blob);
        return original(blob);
      };
      const tracks: MediaStreamTrack[] = [];
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        tracks.push(...stream.getTracks());
        return stream;
      };
      Object.assign(globalThis, { made, tracks });
    });
    const running = () =>
      page.evaluate(() => {
        const { tracks } = globalThis as unknown as { tracks: MediaStreamTrack[] };
        return tracks.map((track) => track.readyState);
      });
    await openApp(page, site);
    await page.getByRole("link", { name: "Take a photograph" }).click();
    await expect(page.locator(".hint")).toHaveText("Light and sharpness are sufficient.");
    await page.getByRole("button", { name: "Take the photograph" }).click();
    const shown = await shownResult(page);
    expect(await running()).toEqual(["ended"]);
    expect(shown.reason).toBe(null);

    const photo = await taken(page);
    const frame = decode(photo);
    expect([frame.width, frame.height]).toEqual([HEIGHT, HEIGHT]);
    let difference = 0;
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < HEIGHT; x++) {
        const pixel = frame.channels * (y * HEIGHT + x);
        difference += Math.abs(frame.data[pixel + 1] - level(x + (WIDTH - HEIGHT) / 2, y, 1));
      }
    }
    expect(difference / HEIGHT ** 2).toBeLessThan(3);
    expect(await judge(page, { name: "frame.png", mimeType: "image/png", buffer: photo })).toEqual(shown);

    // The camera ends when the screen is left, and when the page is hidden.
    await go(page, "camera");
    await expect(page.locator(".hint")).toHaveText("Light and sharpness are sufficient.");
    await go(page, "about");
    expect(await running()).toEqual(["ended", "ended"]);
    await go(page, "camera");
    await expect(page.locator(".hint")).toHaveText("Light and sharpness are sufficient.");
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await expect(page.locator(".hint")).toHaveText("The camera was switched off while the page was hidden.");
    expect(await running()).toEqual(["ended", "ended", "ended"]);
    await page.evaluate(() => Object.defineProperty(document, "hidden", { value: false, configurable: true }));
    await page.getByRole("button", { name: "Start the camera" }).click();
    await expect(page.locator(".hint")).toHaveText("Light and sharpness are sufficient.");

    // Another app takes the camera.
    for (const event of ["ended", "mute"]) {
      await page.evaluate((name) => {
        const { tracks } = globalThis as unknown as { tracks: MediaStreamTrack[] };
        tracks.at(-1)!.dispatchEvent(new Event(name));
      }, event);
      await expect(page.locator('.hint[data-state="problem"]')).toHaveText("The camera was interrupted. Close other apps that use it, and start it again.");
      await expect(page.getByRole("button", { name: "Take the photograph" })).toBeDisabled();
      expect((await running()).at(-1)).toBe("ended");
      await page.getByRole("button", { name: "Start the camera" }).click();
      await expect(page.locator(".hint")).toHaveText("Light and sharpness are sufficient.");
    }
  });
  rmSync(folder, { recursive: true });
});

test("says in words why there is no camera, and offers files", async ({ site }) => {
  const hint = (page: Page) => page.locator('.hint[data-state="problem"]');
  await withBrowser([], async (page) => {
    await page.goto(`${site.url}#/camera`);
    await expect(hint(page)).toContainText("No camera was found.");
    await expect(page.locator("main .button input")).toBeAttached();
  });
  await withBrowser(
    ["--use-fake-device-for-media-stream", "--host-resolver-rules=MAP made.test 127.0.0.1"],
    async (page) => {
      // Without the flag that answers the question of the browser, headless Chromium answers it with no.
      await page.goto(`${site.url}#/camera`);
      await expect(hint(page)).toContainText("The camera is not allowed.");
      await page.goto(`${site.url.replace("localhost", "made.test")}#/camera`);
      await expect(hint(page)).toContainText("secure pages only (https or localhost)");
    },
  );
});
