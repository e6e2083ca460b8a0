import { activeScorer, shownEntries } from "../bundle/active";
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
  const heading = h("h1");
  const lead = h("p", { class: "lead" });
  const other = h("p", { class: "small" });
  const licence = h("p", { class: "small" }, start.licence);
  const name = (className: string) => {
    const values = { class: translatedClass(className) };
    heading.textContent = fill(start.heading, values);
    lead.textContent = fill(start.lead, values);
    other.textContent = fill(start.otherSkin, values);
  };
  name("mpox");
  const statement = h("div", {}, notice());
  const content = h(
    "div",
    { class: "screen start" },
    heading,
    lead,
    other,
    statement,
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
    licence,
  );
  void activeScorer().then(
    ({ manifest }) => {
      name(manifest.normal_class);
      statement.replaceChildren(notice(manifest.statement));
      if (shownEntries(manifest).licence.commercial) licence.textContent = start.licenceCommercial;
    },
    () => {}, // the screen of the result says what is wrong
  );
  return { content };
}
