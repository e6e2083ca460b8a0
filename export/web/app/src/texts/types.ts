/** One text for each plural category of a language; `other` is used where the category has none. */
export type Plural = { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

/** The same keys with texts of any content, so that a language with a missing or additional key does not compile. */
export type SameKeys<T> = T extends string
  ? string
  : T extends Plural
    ? Plural
    : T extends readonly string[]
      ? readonly string[]
      : { readonly [K in keyof T]: SameKeys<T[K]> };
