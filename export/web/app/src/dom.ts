/** Attributes and listeners of an element. `false`, `null` and `undefined` leave an attribute out. */
export type Properties = Readonly<Record<string, string | number | boolean | null | undefined | EventListener>>;
export type Child = Node | string | false | null | undefined;

/**
 * Makes an element.
 *
 * @param tag such as `button`.
 * @param properties attributes, and listeners under names such as `onclick`.
 * @param children nodes and texts; empty ones are left out.
 * @example
 * h("button", { type: "button", onclick: start }, "Start")
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return element;
}

/** The message of anything that was thrown, in one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
