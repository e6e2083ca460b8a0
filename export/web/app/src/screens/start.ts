import { translatedClass } from "../class_name";
import { h, icon } from "../dom";
import { notice } from "../parts/notice";
import { photoInput } from "../parts/photo_input";
import type { Screen } from "../router";
import { fill, t } from "../texts/index";

/** The first screen: what the app is, and the ways to give it a photograph. */
export function startScreen(): Screen {
  const { start } = t();
  const values = { class: translatedClass("mpox") };
  const content = h(
    "div",
    { class: "screen start" },
    h("h1", {}, fill(start.heading, values)),
    h("p", { class: "lead" }, fill(start.lead, values)),
    notice(),
    h(
      "div",
      { class: "choices" },
      h("a", { class: "button primary", href: "#/camera" }, icon("M4 8h3l2-3h6l2 3h3v11H4z", "M12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z"), start.camera),
      photoInput("", icon("M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 9.5h.1"), start.choose),
    ),
    h("p", { class: "small" }, start.formats, " ", h("span", { class: "with-pointer" }, start.drop)),
    h(
      "section",
      { class: "card" },
      h("h2", {}, start.tipsHeading),
      h("ul", {}, ...start.tips.map((tip) => h("li", {}, tip))),
    ),
    h("p", { class: "small" }, start.licence),
  );
  return { content };
}
