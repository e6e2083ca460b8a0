import { h } from "../dom";
import { takeShared } from "../photo";
import type { Screen } from "../router";
import { t } from "../texts/index";

/** The screen for a photograph that another app shares: it goes on to the result. */
export function sharedScreen(): Screen {
  void takeShared();
  return { content: h("div", { class: "screen" }, h("h1", {}, t().result.heading)) };
}
