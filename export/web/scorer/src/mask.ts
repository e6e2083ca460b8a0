import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";
import type { MaskSet } from "./manifest.js";

/**
 * The number of the mask that hides each pixel: (x div cell + (y div cell) step) mod count.
 *
 * @param set `mask_set` of a manifest.
 * @returns size size values, 0 to count - 1.
 * @example
 * maskLabels({ size: 4, cell: 1, count: 2, step: 1 }) // 0 1 0 1, 1 0 1 0, 0 1 0 1, 1 0 1 0
 */
export function maskLabels(set: MaskSet): Uint8Array {
  const { size, cell, count, step } = set;
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return (Math.floor(x / cell) + Math.floor(y / cell) * step) % count;
  });
}

/**
 * The input of `mim_micro.tflite` for one mask: red, green and blue of visible pixels and 0 for hidden ones, then 255
 * (visible) or 0 (hidden); each minus 128.
 *
 * @param image s x s pixels, resampled.
 * @param labels result of `maskLabels`, s s values.
 * @param mask number of the mask.
 * @returns int8 (s, s, 4).
 * @throws MimError if image and labels have different sizes.
 * @example
 * // Pixel 200 visible: 72, 72, 72, 127. Hidden: -128, -128, -128, -128.
 * masked({ width: 1, height: 1, data: new Uint8Array([200, 200, 200]) }, new Uint8Array([0]), 1)
 */
export function masked(image: Rgb, labels: Uint8Array, mask: number): Int8Array {
  checkImage(image.width, image.height, image.data.length, 3);
  checkLengths(image.data.length, labels);
  const input = new Int8Array(4 * labels.length).fill(-128);
  labels.forEach((label, i) => {
    if (label === mask) return;
    for (let c = 0; c < 3; c++) input[4 * i + c] = image.data[3 * i + c] - 128;
    input[4 * i + 3] = 127;
  });
  return input;
}

/**
 * The inpainted image: takes each pixel from the output for the mask that hides it.
 *
 * @param outputs outputs of `mim_micro.tflite`, int8 (s, s, 3), one for each mask in order.
 * @param labels result of `maskLabels`, s s values.
 * @returns 3 s s values q + 128: the inpainting in units of 1 / 256.
 * @throws MimError if an output is missing or has another size.
 * @example
 * assemble([new Int8Array([-28, 0, 0]), new Int8Array([5, 5, 5])], new Uint8Array([0])) // 100, 128, 128
 */
export function assemble(outputs: readonly Int8Array[], labels: Uint8Array): Uint8Array {
  for (const output of outputs) checkLengths(output.length, labels);
  if (labels.some((label) => label >= outputs.length)) {
    throw new MimError(`${outputs.length} outputs are too few`, "run mim_micro.tflite for each mask");
  }
  return Uint8Array.from({ length: 3 * labels.length }, (_, i) => {
    return outputs[labels[Math.floor(i / 3)]][i] + 128;
  });
}

function checkLengths(values: number, labels: Uint8Array): void {
  if (values !== 3 * labels.length) {
    const problem = `${values} values do not fit a mask set of ${labels.length} pixels`;
    throw new MimError(problem, "resample the image to the side mask_set.size");
  }
}
