import type { Explained } from "@mim-tf/scorer";
import { h } from "../dom";
import { errorMapPixels, withAlpha } from "../pixels";
import { fill, t } from "../texts/index";

/**
 * Makes the comparison of the photograph with what the model painted: two pictures over each other, and the marks where
 * they deviate.
 *
 * @param result of `explain`.
 * @param overlay the limits of the marks, of the manifest.
 * @param className in the language in use.
 */
export function compare(
  result: Explained,
  overlay: { readonly low: number; readonly high: number },
  className: string,
): HTMLElement {
  const texts = t().compare;
  const side = result.image.width;
  const photograph = canvas(side, withAlpha(result.image.data));
  const inpainting = canvas(side, withAlpha(result.inpainted.data));
  const map = canvas(side, errorMapPixels(result.errorMap, overlay));
  const description = h(
    "div",
    { class: "pictures", role: "img", "aria-label": texts.description },
    photograph,
    inpainting,
    map,
  );

  const blend = slider("blend", 0);
  const strength = slider("strength", 50);
  const marked = h("input", { type: "checkbox", id: "marked", checked: true });
  const update = () => {
    inpainting.style.opacity = String(Number(blend.value) / 100);
    map.style.opacity = marked.checked ? String(Number(strength.value) / 100) : "0";
    strength.disabled = !marked.checked;
  };
  for (const input of [blend, strength, marked]) input.addEventListener("input", update);
  update();

  return h(
    "section",
    { class: "card compare" },
    h("h2", {}, texts.heading),
    h("p", {}, fill(texts.lead, { class: className })),
    description,
    h(
      "div",
      { class: "legend" },
      h("span", {}, texts.legend),
      h("span", {}, texts.low),
      h("span", { class: "ramp", "aria-hidden": "true" }),
      h("span", {}, texts.high),
    ),
    h("label", { for: "blend", class: "hidden" }, texts.label),
    h(
      "div",
      { class: "ends", "aria-hidden": "true" },
      h("span", {}, texts.photograph),
      h("span", {}, texts.inpainting),
    ),
    blend,
    h("div", { class: "check" }, marked, h("label", { for: "marked" }, texts.map)),
    h("label", { for: "strength" }, texts.strength),
    strength,
    h("p", { class: "small" }, texts.caution),
  );
}

function slider(id: string, value: number): HTMLInputElement {
  return h("input", { type: "range", id, min: 0, max: 100, value });
}

function canvas(side: number, pixels: Uint8ClampedArray<ArrayBuffer>): HTMLCanvasElement {
  const element = h("canvas", { width: side, height: side });
  element.getContext("2d")!.putImageData(new ImageData(pixels, side, side), 0, 0);
  return element;
}
