import { verdict } from "@mim-tf/scorer";
import { h } from "../dom";
import { decimal, shareText } from "../shares";
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
    bar(fill(texts.class, values), pClass, alpha, classExcluded, shareText(texts.classShare, pClass, values)),
    bar(texts.otherSkin, pOther, beta, otherExcluded, shareText(texts.otherShare, pOther, values)),
    h("p", { class: "small" }, texts.lead),
  );
}

function bar(label: string, p: number, limit: number, excluded: boolean, share: string): HTMLElement {
  const texts = t().bars;
  const fillElement = h("div", { class: "bar-fill" });
  fillElement.style.inlineSize = `${100 * p}%`;
  const mark = h("div", { class: "bar-mark" });
  mark.style.insetInlineStart = `${100 * limit}%`;
  return h(
    "div",
    { class: "bar", "data-excluded": String(excluded) },
    h("h3", {}, label, " ", h("span", { class: "tag" }, excluded ? texts.excluded : texts.kept)),
    h("div", { class: "bar-track", "aria-hidden": "true" }, fillElement, mark),
    h(
      "p",
      { class: "bar-numbers" },
      h("span", { class: "bar-value" }, decimal(p)),
      h("span", {}, fill(texts.mark, { limit: decimal(limit) })),
    ),
    h("p", {}, share),
  );
}
