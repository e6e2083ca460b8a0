import { translatedClass } from "../class_name";
import { h } from "../dom";
import { icon } from "../parts/icons";
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
      h("a", { class: "button primary", href: "#/camera" }, icon("camera"), start.camera),
      photoInput("", icon("picture"), start.choose),
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
