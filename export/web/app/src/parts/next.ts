import { h } from "../dom";
import { fill, t } from "../texts/index";

/**
 * Makes the section on what to do, the same for every verdict.
 *
 * @param className in the language in use.
 * @param mpox whether the class is mpox, about which the authorities inform.
 */
export function nextSteps(className: string, mpox: boolean): HTMLElement {
  const { heading, doctor, sources, who, cdc, ecdc } = t().next;
  return h(
    "section",
    { class: "card next" },
    h("h2", {}, heading),
    h("p", {}, fill(doctor, { class: className })),
    mpox && h("p", { class: "small" }, sources),
    // Text, not links: the app makes no request.
    mpox && h("ul", { class: "small" }, ...[who, cdc, ecdc].map((text) => h("li", {}, text))),
  );
}
