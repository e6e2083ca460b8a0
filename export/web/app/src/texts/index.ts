import { en } from "./en";
import type { Plural, SameKeys } from "./types";

/** All texts of one language. */
export type Texts = SameKeys<typeof en>;

/** A language that the app speaks. */
export interface Language {
  /** BCP 47. */
  readonly code: string;
  /** Its own name. */
  readonly name: string;
  readonly direction: "ltr" | "rtl";
  readonly load: () => Promise<Texts>;
}

/** All languages, English first. To add one, add its file and its line here. */
export const LANGUAGES: readonly Language[] = [
  { code: "en", name: "English", direction: "ltr", load: async () => en },
  { code: "es", name: "Español", direction: "ltr", load: async () => (await import("./es")).es },
  { code: "fr", name: "Français", direction: "ltr", load: async () => (await import("./fr")).fr },
  { code: "pt", name: "Português", direction: "ltr", load: async () => (await import("./pt")).pt },
  { code: "sw", name: "Kiswahili", direction: "ltr", load: async () => (await import("./sw")).sw },
  { code: "zh-Hans", name: "简体中文", direction: "ltr", load: async () => (await import("./zh")).zh },
];

/**
 * The first language that the app speaks among the user's.
 *
 * @param wanted BCP 47 codes, most wanted first, such as `navigator.languages`.
 * @example
 * chooseLanguage(["de-AT", "pt-BR", "en"]).code // "pt"
 */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const code of wanted) {
    const base = code.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((language) => language.code.split("-")[0] === base);
    if (found) return found;
  }
  return LANGUAGES[0];
}

let language = LANGUAGES[0];
let texts: Texts = en;

/** Loads the texts of a language and sets language and direction of the page. */
export async function useLanguage(chosen: Language): Promise<void> {
  texts = await chosen.load();
  language = chosen;
  document.documentElement.lang = chosen.code;
  document.documentElement.dir = chosen.direction;
}

/** The texts of the language in use. */
export function t(): Texts {
  return texts;
}

/** The code of the language in use. */
export function languageCode(): string {
  return language.code;
}

/** The language in use for `Intl`: as spoken where the user is, if the browser says so, such as `en-GB`. */
export function locale(): string {
  const base = language.code.split("-")[0];
  const wanted = globalThis.navigator?.languages ?? [];
  return wanted.find((code) => code.split("-")[0] === base) ?? language.code;
}

/**
 * Fills the placeholders of a text.
 *
 * @param text such as `{n} of {total}`. A placeholder without a value stays as it is.
 * @param values numbers are written as in the language in use.
 * @example
 * fill("{n} of {total} MB", { n: 1.5, total: 12 }) // "1.5 of 12 MB" in English
 */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) return placeholder;
    return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : value;
  });
}

/**
 * Fills the text for a number.
 *
 * @param n a whole number, the value of `{n}`.
 * @example
 * count({ one: "{n} result", other: "{n} results" }, 1) // "1 result"
 */
export function count(text: Plural, n: number, values: Readonly<Record<string, string | number>> = {}): string {
  const category = new Intl.PluralRules(locale()).select(n);
  return fill(text[category] ?? text.other, { ...values, n });
}
