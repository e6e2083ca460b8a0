import { h } from "../dom";
import { t } from "../texts/index";

/** Makes the sentence that stands beside every result. */
export function notice(): HTMLElement {
  return h("p", { class: "notice" }, t().notice);
}
