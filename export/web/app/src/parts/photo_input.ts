import { h, type Child } from "../dom";
import { judgePhoto } from "../photo";

/**
 * Makes a button that lets the user choose a photograph, which is then judged.
 *
 * @param style class of the button.
 * @param label its content.
 */
export function photoInput(style: string, ...label: Child[]): HTMLElement {
  // Without HEIC in this list, an iPhone gives its photographs as JPEG.
  const input = h("input", { type: "file", accept: "image/jpeg,image/png,image/webp", class: "hidden" });
  input.addEventListener("change", () => {
    if (input.files?.[0]) judgePhoto(input.files[0]);
  });
  return h("label", { class: `button ${style}` }, input, ...label);
}
