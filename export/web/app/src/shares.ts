import { count, locale } from "./texts/index";
import type { Plural } from "./texts/types";

/**
 * Says a p-value as a number of photographs of 100.
 *
 * @param text with `{n}`.
 * @param p in (0, 1]. At least 1 of 100 is said, because no p-value is 0.
 * @example
 * shareText({ other: "Of 100 photographs, {n}" }, 0.742) // "Of 100 photographs, 74"
 */
export function shareText(text: Plural, p: number, values: Readonly<Record<string, string>>): string {
  return count(text, Math.max(1, Math.round(100 * p)), values);
}

/**
 * How many of 1000 photographs get a wrong result at most, about.
 *
 * @param limit alpha or beta, in (0, 1).
 * @example
 * ofThousand(0.05) // 50
 */
export function ofThousand(limit: number): number {
  return Math.round(1000 * limit);
}

/**
 * Two numbers in [0, 1] with two digits after the point, in the notation of the language. They get more digits if the
 * first is greater and would look equal, so that the numbers agree with the bar.
 *
 * @returns the value and its limit.
 * @example
 * decimals(0.5, 0.05) // ["0.50", "0.05"] in English, ["0,50", "0,05"] in French
 * decimals(0.0542, 0.05) // ["0.054", "0.050"]
 */
export function decimals(value: number, limit: number): [string, string] {
  for (let digits = 2; ; digits++) {
    const format = new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const [shown, mark] = [format.format(value), format.format(limit)];
    if (value <= limit || shown !== mark || digits === 12) return [shown, mark];
  }
}
