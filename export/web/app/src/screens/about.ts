import { activeScorer, shownEntries } from "../bundle/active";
import { translatedClass } from "../class_name";
import { h, messageOf } from "../dom";
import { notice } from "../parts/notice";
import type { Screen } from "../router";
import { fill, t } from "../texts/index";

/** The screen on versions, limits, privacy and licences. */
export function aboutScreen(): Screen {
  const { about: texts } = t();
  const model = h("dd", {}, "…");
  const method = h("dd", {}, "…");
  const weights = h("li", {}, "…");
  const guarantees = h("section", { class: "card", hidden: true }, h("h2", {}, texts.guarantee));
  const what = h("p", {}, fill(texts.what, { class: translatedClass("mpox") }));
  const content = h(
    "div",
    { class: "screen about" },
    h("h1", {}, texts.heading),
    what,
    notice(),
    h("section", { class: "card" }, h("h2", {}, texts.limitsHeading), h("p", {}, texts.limits)),
    guarantees,
    h("section", { class: "card" }, h("h2", {}, texts.privacyHeading), h("p", {}, texts.privacy)),
    h(
      "section",
      { class: "card" },
      h("h2", {}, texts.licenceHeading),
      h("ul", {}, h("li", {}, texts.code), weights, h("li", {}, texts.libraries)),
      h(
        "p",
        {},
        `${texts.texts}: `,
        h("a", { href: "bundle/LICENSE" }, "LICENSE"),
        ", ",
        h("a", { href: "bundle/LICENSE.EfficientNet-Lite0" }, "LICENSE.EfficientNet-Lite0"),
        ", ",
        h("a", { href: "bundle/MODEL_CARD.md" }, "MODEL_CARD.md"),
      ),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", {}, texts.versions),
      h(
        "dl",
        {},
        h("dt", {}, texts.app),
        h("dd", {}, __VERSION__),
        h("dt", {}, texts.model),
        model,
        h("dt", {}, texts.method),
        method,
      ),
    ),
  );
  void activeScorer().then(
    ({ manifest }) => {
      const entries = shownEntries(manifest);
      const { commercial } = entries.licence;
      what.textContent = fill(texts.what, { class: translatedClass(manifest.normal_class) });
      model.textContent = `${manifest.model_id} (${manifest.version})`;
      method.textContent = `${entries.method}, ${manifest.measure.name}`;
      const licence = commercial ? texts.commercialYes : texts.researchOnly;
      weights.textContent = fill(texts.weights, { licence: `${licence} (${entries.licence.weights})` });
      // These sentences are those of the bundle, in English.
      guarantees.append(
        ...[...entries.guarantees, manifest.statement].map((text) => h("p", { lang: "en", class: "guarantee" }, text)),
      );
      guarantees.hidden = false;
    },
    (error) => (model.textContent = messageOf(error)),
  );
  return { content };
}
