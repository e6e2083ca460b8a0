import { describe, expect, it, vi } from "vitest";
import { LANGUAGES, chooseLanguage, count, fill, useLanguage, type Texts } from "../src/texts/index";

vi.stubGlobal("document", { documentElement: {} });

/** Every text of a language by its path, such as `nav.start`. Plural forms count as one text, given by `other`. */
function paths(texts: unknown, path = ""): Map<string, string> {
  if (typeof texts === "string") return new Map([[path, texts]]);
  return new Map(
    Object.entries(texts as object).flatMap(([key, value]) =>
      ["zero", "one", "two", "few", "many"].includes(key) ? [] : [...paths(value, `${path}.${key}`)],
    ),
  );
}

/** The placeholders in a text, sorted, each once. */
function placeholders(text: string): string[] {
  return [...new Set(text.match(/\{\w+\}/g))].sort();
}

/** Forms for one thing may leave the number out, but have no other placeholders. */
function forms(texts: unknown): Record<string, string>[] {
  if (typeof texts !== "object" || texts === null) return [];
  if ("other" in texts) return [texts as Record<string, string>];
  return Object.values(texts).flatMap(forms);
}

const english = await LANGUAGES[0].load();

describe.each(LANGUAGES.map((language) => [language.code, language] as const))("the texts in %s", (code, language) => {
  it("have the keys and placeholders of the English ones", async () => {
    const found = paths(await language.load());
    const expected = paths(english);
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [path, text] of expected) {
      // "Other skin" is "skin without mpox" in some languages.
      const allowed = path === ".bars.otherSkin" ? ["{class}"] : [];
      const own = placeholders(found.get(path)!).filter((name) => !allowed.includes(name));
      expect([path, own]).toEqual([path, placeholders(text)]);
    }
  });

  it("are not empty, and are translated", async () => {
    const found = paths(await language.load());
    expect([...found].filter(([, text]) => text.trim() === "")).toEqual([]);
    if (code === "en") return;
    const same = [...paths(english)].filter(([path, text]) => text.length > 20 && found.get(path) === text);
    // Names of authorities that have no name in Swahili.
    expect(same.map(([path]) => path).filter((path) => !path.startsWith(".next."))).toEqual([]);
  });

  it("have every plural form of the language in use for 0 to 100, with the same placeholders", async () => {
    const texts: Texts = await language.load();
    const rules = new Intl.PluralRules(code);
    const needed = new Set(Array.from({ length: 101 }, (_, n) => rules.select(n)));
    for (const form of forms(texts)) {
      for (const category of needed) expect(form[category] ?? form.other).toContain("{n}");
      for (const text of Object.values(form)) expect(placeholders(text)).toEqual(placeholders(form.other));
    }
  });
});

describe("fill", () => {
  it("writes numbers as the language does, and leaves unknown placeholders", async () => {
    await useLanguage(LANGUAGES.find(({ code }) => code === "fr")!);
    expect(fill("{a} / {b} {c}", { a: 1.5, b: 12 })).toBe("1,5 / 12 {c}");
    await useLanguage(LANGUAGES[0]);
    expect(fill("{a} / {b} {c}", { a: 1.5, b: 12 })).toBe("1.5 / 12 {c}");
  });

  it("does not fill placeholders that come from a value", () => {
    expect(fill("{file}: {n}", { file: "{n}", n: 3 })).toBe("{n}: 3");
  });
});

describe("count", () => {
  it("takes the form of the number", async () => {
    const text = { one: "{n} result", other: "{n} results" };
    await useLanguage(LANGUAGES[0]);
    expect([0, 1, 2].map((n) => count(text, n))).toEqual(["0 results", "1 result", "2 results"]);
    // In French, 0 takes the form of 1.
    await useLanguage(LANGUAGES.find(({ code }) => code === "fr")!);
    expect(count(text, 0)).toBe("0 result");
    await useLanguage(LANGUAGES[0]);
  });
});

describe("chooseLanguage", () => {
  it.each([
    [["de-AT", "pt-BR", "en"], "pt"],
    [["zh-CN"], "zh-Hans"],
    [["sw-KE"], "sw"],
    [["EN-us"], "en"],
    [["ar"], "en"],
    [[], "en"],
  ])("takes of %j %s", (wanted, code) => expect(chooseLanguage(wanted).code).toBe(code));
});
