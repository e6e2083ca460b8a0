import { contrast, detail, type Gate, type Rgb } from "@mim-tf/scorer";

/**
 * What a frame lacks for a photograph; `good` if nothing, `light` if it has enough light and sharpness is not checked.
 * The names are those of the texts.
 */
export type Hint = "dark" | "bright" | "blank" | "blurred" | "light" | "good";

/** Mean luma, in levels, below which a frame counts as dark. */
const DARK = 40;
/** Level from which a pixel counts as overexposed, and the share of such pixels from which a frame counts as bright. */
const BRIGHT = 250;
const BRIGHT_SHARE = 0.25;

/**
 * What a frame of the camera lacks. `blank` and `blurred` are the limits of the model itself.
 *
 * @param frame the centre square, scaled to the size of the model's input.
 * @param gate limits of the manifest; null while the manifest is not loaded.
 * @example
 * hintOf({ width: 2, height: 2, data: new Uint8Array(12) }, null) // "dark"
 */
export function hintOf(frame: Rgb, gate: Pick<Gate, "min_contrast" | "min_detail"> | null): Hint {
  const { data } = frame;
  const pixels = data.length / 3;
  let sum = 0;
  let overexposed = 0;
  for (let i = 0; i < data.length; i += 3) {
    const luma = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    sum += luma;
    if (luma >= BRIGHT) overexposed++;
  }
  if (sum / pixels < DARK) return "dark";
  if (overexposed / pixels > BRIGHT_SHARE) return "bright";
  if (gate === null) return "light";
  if (contrast(frame) < gate.min_contrast) return "blank";
  return detail(frame) < gate.min_detail ? "blurred" : "good";
}
