import type { Reason, Verdict } from "@mim-tf/scorer";
import { h, icon } from "../dom";
import { ofThousand } from "../shares";
import { fill, t } from "../texts/index";

/** A shape for each verdict, so that colour is not the only difference. None is a sign of approval. */
const SHAPES: Readonly<Record<Verdict, readonly string[]>> = {
  "mpox-like": ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 10h8M8 14h8"],
  "not-mpox-like": ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 10h8M8 14h8M15 7l-6 10"],
  undecided: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 12c1.5-2 3-2 4 0s2.5 2 4 0"],
  "cannot-judge": ["M12 4l9 15.5H3z", "M12 10v4.5", "M12 17v.2"],
};

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
    h("h2", {}, icon(...SHAPES[verdict]), h("span", {}, sentence(texts.title))),
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
          h("p", {}, sentence(reasons[reason].text)),
          h("p", { class: "todo" }, sentence(reasons[reason].todo)),
          h("p", { class: "small" }, sentence(texts.not)),
        ]
      : []),
  );
}
