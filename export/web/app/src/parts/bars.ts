import { verdict } from "@mim-tf/scorer";
import { capitalised } from "../class_name";
import { h } from "../dom";
import { decimals, shareText } from "../shares";
import { fill, t } from "../texts/index";

/** The p-values of a photograph, and their limits. */
export interface Comparison {
  readonly className: string;
  /** In (0, 1]. */
  readonly pClass: number;
  /** In (0, 1]. */
  readonly pOther: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Makes the two bars: how usual the photograph would be among those of the class, and among those of other skin. */
export function bars({ className, pClass, pOther, alpha, beta }: Comparison): HTMLElement {
  const texts = t().bars;
  const values = { class: className };
  // If the other group is not excluded, the verdict says whether this one is.
  const classExcluded = verdict(pClass, 1, null, alpha, beta) === "not-mpox-like";
  const otherExcluded = verdict(1, pOther, null, alpha, beta) === "mpox-like";
  return h(
    "section",
    { class: "card bars" },
    h("h2", {}, texts.heading),
    bar(capitalised(className), pClass, alpha, classExcluded, shareText(texts.classShare, pClass, values)),
    bar(fill(texts.otherSkin, values), pOther, beta, otherExcluded, shareText(texts.otherShare, pOther, values)),
    h("p", { class: "small" }, texts.lead),
  );
}

function bar(label: string, p: number, limit: number, excluded: boolean, share: string): HTMLElement {
  const texts = t().bars;
  const [value, mark] = decimals(p, limit);
  const fillElement = h("div", { class: "bar-fill" });
  fillElement.style.inlineSize = `${100 * p}%`;
  const markElement = h("div", { class: "bar-mark" });
  markElement.style.insetInlineStart = `${100 * limit}%`;
  return h(
    "div",
    { class: "bar", "data-excluded": String(excluded) },
    h("h3", {}, label, " ", h("span", { class: "tag" }, excluded ? texts.excluded : texts.kept)),
    h("div", { class: "bar-track", "aria-hidden": "true" }, fillElement, markElement),
    h(
      "p",
      { class: "bar-numbers" },
      h("span", { class: "bar-value" }, value),
      h("span", {}, fill(texts.mark, { limit: mark })),
    ),
    h("p", {}, share),
  );
}
