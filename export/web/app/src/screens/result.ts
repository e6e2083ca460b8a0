import type { Explained, Manifest, RefusedExplained } from "@mim-tf/scorer";
import type { PhotoScorer } from "@mim-tf/scorer/worker";
import { activeName, activeScorer, keepBundle, shownEntries, useBundle } from "../bundle/active";
import { translatedClass } from "../class_name";
import { h, messageOf } from "../dom";
import { announce } from "../live";
import { bars } from "../parts/bars";
import { compare } from "../parts/compare";
import { nextSteps } from "../parts/next";
import { notice } from "../parts/notice";
import { verdictSection } from "../parts/verdict";
import { currentPhoto } from "../photo";
import { pngOf } from "../pixels";
import { preferences } from "../preferences";
import { go, type Screen } from "../router";
import { saveEntry } from "../storage/history";
import { fill, t } from "../texts/index";

/**
 * The result asked for last, so that the screen can be made again, as in another language or after Back and Forward,
 * without judging or saving again.
 */
let judged: {
  readonly photo: Blob;
  readonly manifest: Manifest;
  readonly result: Promise<Explained | RefusedExplained>;
  /** The line that says whether the result was saved; null if the history is off. */
  readonly saving: Promise<HTMLElement> | null;
} | null = null;

/** Judges a photograph, or takes the result that was asked for before. */
function judge(photo: Blob, scorer: PhotoScorer): NonNullable<typeof judged> {
  if (judged?.photo === photo && judged.manifest === scorer.manifest) return judged;
  const { manifest } = scorer;
  const result = scorer.explain(photo);
  const saving = preferences.history ? result.then((found) => save(manifest, found)) : null;
  saving?.catch(() => {}); // the result reports the error
  const mine = (judged = { photo, manifest, result, saving });
  result.catch(() => {
    if (judged === mine) judged = null;
  });
  return mine;
}

/** The screen that judges the current photograph and shows the result. */
export function resultScreen(): Screen {
  const { result: texts } = t();
  const body = h("div", { class: "result" });
  const content = h("div", { class: "screen" }, h("h1", {}, texts.heading), body);
  const photo = currentPhoto();
  if (photo === null) {
    location.replace("#/start"); // the address was opened without a photograph
    return { content };
  }
  const address = URL.createObjectURL(photo);
  const waiting = h("p", { class: "waiting" }, texts.loading);
  body.append(picture(address), waiting);
  announce(texts.loading);

  let left = false;
  void (async () => {
    try {
      const scorer = await activeScorer();
      if (left) return;
      waiting.textContent = texts.judging;
      announce(texts.judging);
      const { manifest, result: pending, saving } = judge(photo, scorer);
      const result = await pending;
      if (left) return;
      const sections = shownResult(manifest, result, () => picture(address));
      body.replaceChildren(...sections);
      const said = sections[0].querySelectorAll(".verdict-text, .reason, .todo");
      announce([...said].map(({ textContent }) => textContent).join(" "));
      if (saving) body.append(await saving);
    } catch (error) {
      if (left) return;
      const text = fill(texts.failed, { problem: messageOf(error) });
      waiting.replaceWith(
        h("p", { class: "error", role: "alert" }, text),
        h("button", { type: "button", onclick: () => go("result") }, texts.retry),
        // A kept model may be of an older format.
        ...(activeName() === null ? [] : [h("button", { type: "button", onclick: useBuiltIn }, t().settings.back)]),
      );
    }
  })();
  return {
    content,
    leave: () => {
      left = true;
      URL.revokeObjectURL(address);
    },
  };
}

/** Uses the built-in model, and judges again. */
async function useBuiltIn(): Promise<void> {
  await keepBundle(null).catch(() => {}); // no storage: nothing was kept
  await useBundle(Promise.resolve(null)).catch(() => {}); // the result says what is wrong
  if (document.body.dataset.screen === "result") go("result");
}

/** The sections of a result, the verdict first. */
function shownResult(
  manifest: Manifest,
  result: Explained | RefusedExplained,
  shown: () => HTMLElement,
): HTMLElement[] {
  const className = translatedClass(manifest.normal_class);
  const { calibration, reference, gate } = manifest;
  const context = { className, alpha: calibration.alpha, beta: reference.beta, minSide: gate.min_side };
  const sections = [
    verdictSection(result.verdict, result.reason, context),
    notice(manifest.statement),
    nextSteps(className, manifest.normal_class === "mpox"),
  ];
  // Without a verdict the numbers have no meaning.
  if (result.reason === null) {
    const { pClass, pOther } = result;
    sections.push(bars({ className, pClass, pOther, alpha: context.alpha, beta: context.beta }));
    sections.push(compare(result, shownEntries(manifest).overlay, className));
  } else {
    sections.push(shown());
  }
  sections.push(h("a", { class: "button primary", href: "#/start" }, t().result.another));
  sections.push(h("p", { class: "small" }, fill(t().result.model, { model: manifest.model_id })));
  return sections;
}

/** The photograph as it was chosen; nothing if the browser cannot show it. */
function picture(address: string): HTMLElement {
  const image = h("img", { src: address, alt: t().result.photograph });
  const figure = h("div", { class: "photograph" }, image);
  image.addEventListener("error", () => figure.remove());
  return figure;
}

/** Saves a result in the history, and says so. */
async function save(manifest: Manifest, result: Explained | RefusedExplained): Promise<HTMLElement> {
  const texts = t().result;
  try {
    const picture = result.image === null ? null : await pngOf(result.image);
    const { verdict, reason, pClass, pOther } = result;
    const { model_id: modelId, normal_class: className, statement } = manifest;
    await saveEntry({ time: Date.now(), verdict, reason, pClass, pOther, modelId, className, statement, picture });
    return h("p", { class: "small", role: "status" }, texts.saved);
  } catch (error) {
    return h("p", { class: "error", role: "alert" }, fill(texts.notSaved, { problem: messageOf(error) }));
  }
}
