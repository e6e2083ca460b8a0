import { locale, t } from "./texts/index";

/** The class of the model in the language in use: mpox has a translation, other classes have their own name. */
export function translatedClass(name: string): string {
  return name === "mpox" ? t().mpox : name;
}

/**
 * A class with a first letter as at the beginning of a sentence, for a label.
 *
 * @example
 * capitalised("mpox") // "Mpox"
 */
export function capitalised(name: string): string {
  const [first = "", ...rest] = name;
  return first.toLocaleUpperCase(locale()) + rest.join("");
}
