import type { Reason, Verdict } from "@mim-tf/scorer";
import { h } from "../dom";
import { ofThousand } from "../shares";
import { fill, t } from "../texts/index";
import { icon } from "./icons";

/** A shape for each verdict, so that colour is not the only difference. None is a sign of approval. */
const SHAPES = {
  "mpox-like": "alike",
  "not-mpox-like": "unlike",
  undecided: "undecided",
  "cannot-judge": "warning",
} as const;

/** What a verdict is about. */
export interface VerdictContext {
  /** In the language in use. */
  readonly className: string;
  readonly alpha: number;
  readonly beta: number;
  /** Smallest shorter side of a photograph, in pixels. */
  readonly minSide: number;
}

/** Makes the section that says the verdict, or the reason why there is none and what to do. */
export function verdictSection(verdict: Verdict, reason: Reason, context: VerdictContext): HTMLElement {
  const { result, reasons, verdicts } = t();
  const texts = verdicts[verdict];
  const values = {
    class: context.className,
    falseAlarms: ofThousand(context.beta),
    misses: ofThousand(context.alpha),
    side: context.minSide,
  };
  const sentence = (text: string) => fill(text, values);
  return h(
    "section",
    { class: "card verdict", "data-verdict": verdict, "data-reason": reason },
    h("h2", {}, icon(SHAPES[verdict]), h("span", {}, sentence(texts.title))),
    h("p", { class: "verdict-text" }, sentence(texts.text)),
    ...("means" in texts
      ? [
          h("h3", {}, result.means),
          h("p", {}, sentence(texts.means)),
          h("h3", {}, result.not),
          h("p", {}, sentence(texts.not)),
          h("p", { class: "small" }, result.oneOnly),
        ]
      : []),
    ...(reason !== null
      ? [
          h("p", { class: "reason" }, sentence(reasons[reason].text)),
          h("p", { class: "todo" }, sentence(reasons[reason].todo)),
          h("p", { class: "small" }, sentence(texts.not)),
        ]
      : []),
  );
}
