import { h } from "./dom";

/** Part of every page. It exists before its content, so that screen readers say what `announce` puts there. */
export const liveRegion = h("p", { class: "hidden", role: "status", id: "live" });

/** Lets screen readers say a text. */
export function announce(text: string): void {
  liveRegion.textContent = text;
}
