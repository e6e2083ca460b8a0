import { LANGUAGES, chooseLanguage, type Language } from "./texts/index";

export type Theme = "auto" | "light" | "dark";

/** What the user has chosen. It is kept in `localStorage`, if the browser allows that. */
export interface Preferences {
  /** Code of a language; null: that of the browser. */
  language: string | null;
  theme: Theme;
  /** Whether results are saved on the device. */
  history: boolean;
}

const KEY = "mim-tf-preferences";
const DEFAULTS: Preferences = { language: null, theme: "auto", history: false };
const THEMES: readonly string[] = ["auto", "light", "dark"];

/**
 * Reads preferences, and ignores entries that are not valid.
 *
 * @param text JSON, or null if there is none.
 * @example
 * parsePreferences('{"theme": "pink", "history": true}') // { language: null, theme: "auto", history: true }
 */
export function parsePreferences(text: string | null): Preferences {
  let stored: unknown = null;
  try {
    stored = JSON.parse(text ?? "null");
  } catch {
    // Written by another program: the defaults hold.
  }
  const { language, theme, history } = (stored ?? {}) as Record<string, unknown>;
  return {
    language: LANGUAGES.some(({ code }) => code === language) ? (language as string) : DEFAULTS.language,
    theme: THEMES.includes(theme as string) ? (theme as Theme) : DEFAULTS.theme,
    history: history === true,
  };
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is switched off
  }
}

/** The preferences in use. Change them with `change`. */
export const preferences: Preferences = parsePreferences(read());

/** Changes preferences, and keeps them for the next start. */
export function change(changes: Partial<Preferences>): void {
  Object.assign(preferences, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Storage is switched off: they hold until the page is closed.
  }
}

/** The language to use. */
export function preferredLanguage(): Language {
  return chooseLanguage(preferences.language === null ? navigator.languages : [preferences.language]);
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Applies the theme, and follows the device where the user has chosen none. */
export function applyTheme(): void {
  const { theme } = preferences;
  document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
}
dark.addEventListener("change", applyTheme);
