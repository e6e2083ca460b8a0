import { h } from "../dom";
import { en } from "../texts/en";
import { t } from "../texts/index";

/**
 * Makes the sentence that stands beside every result.
 *
 * @param statement of the manifest. If it is another sentence than the one that is translated, it is shown as it is.
 */
export function notice(statement: string = en.notice): HTMLElement {
  if (statement === en.notice) return h("p", { class: "notice" }, t().notice);
  return h("p", { class: "notice", lang: "en" }, statement);
}
