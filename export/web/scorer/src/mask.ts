import type { MaskSet } from "./bundle.js";
import { MimError } from "./errors.js";
import { checkImage, type Rgb } from "./image.js";

/**
 * Which mask hides each pixel: (x div cell + (y div cell) step) mod count. The others keep it.
 *
 * @param set `mask_set` of a manifest.
 * @returns of length size size, values 0 to count - 1.
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
 * What `mim_micro.tflite` takes for one mask: red, green and blue where kept, 0 where hidden, and the mask as 255
 * or 0, each minus 128.
 *
 * @param image s x s pixels, resampled.
 * @param labels of `maskLabels`, of length s s.
 * @param mask number of the mask.
 * @returns int8 (s, s, 4).
 * @throws MimError where image and labels are of different sizes.
 * @example
 * // Pixel 200 kept: 72, 72, 72, 127. Hidden: -128, -128, -128, -128.
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
 * The inpainted image: each pixel from the output under the mask that hides it.
 *
 * @param outputs of `mim_micro.tflite`, int8 (s, s, 3), one for each mask in order.
 * @param labels of `maskLabels`, of length s s.
 * @returns q + 128 of length 3 s s: the inpainting in units of 1 / 256.
 * @throws MimError where an output lacks or is of another size.
 * @example
 * assemble([new Int8Array([-28, 0, 0]), new Int8Array([5, 5, 5])], new Uint8Array([0])) // 100, 128, 128
 */
export function assemble(outputs: readonly Int8Array[], labels: Uint8Array): Uint8Array {
  for (const output of outputs) checkLengths(output.length, labels);
  if (labels.some((label) => label >= outputs.length)) {
    throw new MimError(`${outputs.length} outputs are too few`, "run mim_micro.tflite under each mask");
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
