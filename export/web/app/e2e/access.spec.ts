/** Languages, layout, keyboard, and what axe and Lighthouse find. */

import { AxeBuilder } from "@axe-core/playwright";
import { chromium, type Page } from "@playwright/test";
import lighthouse from "lighthouse";
import { expect, go, judge, numberOf, picture, prefer, shownResult, test } from "./app";

const SCREENS = ["start", "history", "settings", "about", "camera"];

/** What the verdict `mpox-like` is called. */
const TITLES = {
  en: "More like mpox",
  es: "Más parecida a mpox",
  fr: "Plus proche de la mpox",
  pt: "Mais parecida com mpox",
  sw: "Inafanana zaidi na mpox",
  "zh-Hans": "较像猴痘",
};

/** Whether something is wider than the screen. */
async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.scrollingElement!.scrollWidth - innerWidth);
}

for (const [language, title] of Object.entries(TITLES)) {
  test(`speaks ${language}: verdict, no placeholder left, nothing wider than 320 px`, async ({ opened: { page } }) => {
    await go(page, "settings");
    await page.locator("#language").selectOption(language);
    await page.setViewportSize({ width: 320, height: 640 });
    expect((await judge(page, picture(numberOf("mpox-like")))).verdict).toBe("mpox-like");
    await expect(page.locator(".verdict h2")).toHaveText(title);
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    for (const screen of ["result", ...SCREENS]) {
      await go(page, screen);
      if (screen === "result") await shownResult(page);
      expect(await page.locator("body").innerText()).not.toMatch(/[{}]/);
      expect(await overflow(page), screen).toBeLessThanOrEqual(0);
      // No word is cut off in a button.
      expect(
        await page
          .locator("button, .button, nav a")
          .evaluateAll((all) =>
            all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent),
          ),
      ).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
  });
}

test("is laid out from right to left where the language is", async ({ opened: { page } }) => {
  await prefer(page, { language: "en" });
  await judge(page, picture(numberOf("mpox-like")));
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  const [track, fill, mark] = await Promise.all(
    [".bar-track", ".bar-fill", ".bar-mark"].map(async (part) => (await page.locator(part).first().boundingBox())!),
  );
  expect(fill.x + fill.width).toBeCloseTo(track.x + track.width, 0);
  // The mark at 0.05 is near the right end.
  expect(mark.x).toBeGreaterThan(track.x + 0.9 * track.width);
  for (const screen of SCREENS) {
    await go(page, screen);
    expect(await overflow(page), screen).toBeLessThanOrEqual(0);
  }
  await page.evaluate(() => (document.documentElement.dir = "ltr"));
});

test("can be zoomed to 200 % and used on a wide screen", async ({ opened: { page } }) => {
  // Zooming halves the size of the screen in CSS pixels.
  for (const width of [640, 1440]) {
    await page.setViewportSize({ width, height: 450 });
    for (const screen of ["result", ...SCREENS]) {
      await go(page, screen);
      expect(await overflow(page), screen).toBeLessThanOrEqual(0);
    }
  }
  await page.setViewportSize({ width: 390, height: 844 });
});

test("nothing is cut off with text of 200 % at 320 px", async ({ opened: { page } }) => {
  await prefer(page, { language: "en", history: true });
  await page.setViewportSize({ width: 320, height: 640 });
  await judge(page, picture(numberOf("mpox-like")));
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  for (const screen of ["result", ...SCREENS]) {
    await go(page, screen);
    if (screen === "result") await shownResult(page);
    expect(await overflow(page), screen).toBeLessThanOrEqual(0);
    const labels = await page.locator("nav a span").evaluateAll((all) =>
      all.map((one) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        const { left, right, top } = range.getBoundingClientRect();
        return { left, right, top };
      }),
    );
    for (const [i, { left, top }] of labels.entries()) {
      if (i > 0 && Math.abs(top - labels[i - 1].top) < 2) expect(left).toBeGreaterThanOrEqual(labels[i - 1].right);
    }
  }
  await page.evaluate(() => (document.documentElement.style.fontSize = ""));
  await page.setViewportSize({ width: 390, height: 844 });
});

test("an address that names no screen shows the first one", async ({ opened: { page } }) => {
  // A result without a photograph is none.
  await page.reload();
  for (const name of ["none", "toString", "%", "result"]) {
    await page.evaluate((hash) => (location.hash = `#/${hash}`), name);
    await expect(page.locator(".choices")).toBeVisible();
  }
});

test("works with the keyboard", async ({ opened: { page } }) => {
  await prefer(page, { language: "en" });
  await go(page, "start");
  await page.reload();
  await page.locator("h1").waitFor();
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Take a photograph" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.locator(".choices input")).toBeFocused();
  // The input is hidden, so its label shows the focus.
  await expect(page.locator(".choices .button").nth(1)).toHaveCSS("outline-style", "solid");
  await page.getByRole("link", { name: "Settings" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("h1")).toBeFocused();
  await expect(page).toHaveTitle("Settings – mim-tf");
  await expect(page.getByRole("link", { name: "Settings" }).first()).toHaveAttribute("aria-current", "page");
  await page.locator("#language").selectOption("fr");
  await expect(page.locator("h1")).toHaveText("Réglages");
  await expect(page.locator("#language")).toBeFocused();
});

test("axe finds nothing on any screen in light and dark colours", async ({ opened: { page } }) => {
  await prefer(page, { language: "en", theme: "light", history: true });
  const check = async (name: string) => {
    for (const theme of ["light", "dark"]) {
      await page.evaluate((chosen) => (document.documentElement.dataset.theme = chosen), theme);
      // The page has no frames, for which the other mode opens another page each time.
      const axe = new AxeBuilder({ page }).setLegacyMode();
      // Only contrast depends on the colours.
      if (theme === "dark") axe.withRules(["color-contrast"]);
      const { violations } = await axe.analyze();
      expect(violations.map(({ id, nodes }) => [name, theme, id, nodes.map(({ html }) => html)])).toEqual([]);
    }
  };
  for (const result of ["mpox-like", "undecided", "too small"]) {
    await judge(page, picture(numberOf(result)));
    await expect(page.locator("main")).toContainText("Saved in the history");
    await check(result);
  }
  for (const screen of SCREENS) {
    await go(page, screen);
    if (screen === "history") await expect(page.locator(".entry")).not.toHaveCount(0);
    await check(screen);
  }
});

test("Lighthouse gives at least 95 for accessibility and best practices", async ({ site }) => {
  const port = 9333;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [`--remote-debugging-port=${port}`],
  });
  try {
    const result = await lighthouse(site.url, {
      port,
      onlyCategories: ["accessibility", "best-practices"],
      logLevel: "error",
    });
    const { categories, audits } = result!.lhr;
    const missed = Object.values(audits).filter(({ score }) => score !== null && score < 1);
    for (const category of Object.values(categories)) {
      console.log(`Lighthouse: ${category.title} ${Math.round(100 * category.score!)} ${missed.map(({ id }) => id)}`);
      expect(category.score, missed.map(({ id }) => id).join(", ")).toBeGreaterThanOrEqual(0.95);
    }
  } finally {
    await browser.close();
  }
});
