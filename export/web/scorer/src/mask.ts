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

/** Smoothings of the empty pixels of a level, and of the finest one; levels end at this side, or at an odd one. */
const [SWEEPS, FINEST_SWEEPS, COARSEST] = [8, 2, 4];

/**
 * The input of `mim_micro.tflite` for one mask: red, green and blue of visible pixels and averages of them for hidden
 * ones, then 255 (visible) or 0 (hidden); each minus 128. The averages are those of a push-pull pyramid in whole
 * numbers, step 5a of the contract.
 *
 * @param image s x s pixels, resampled.
 * @param labels result of `maskLabels`, s s values.
 * @param mask number of the mask, 0 to count - 1.
 * @returns int8 (s, s, 4).
 * @throws MimError if image and labels have different sizes.
 * @example
 * // A row 10, hidden, hidden, 20 of equal rows gives the reds 10, 14, 17, 20, each minus 128.
 * const row = [10, 10, 10, 0, 0, 0, 0, 0, 0, 20, 20, 20];
 * filled({ width: 4, height: 4, data: new Uint8Array([...row, ...row, ...row, ...row]) }, labels, 1)
 */
export function filled(image: Rgb, labels: Uint8Array, mask: number): Int8Array {
  checkImage(image.width, image.height, image.data.length, 3);
  checkLengths(image.width === image.height ? image.data.length : 0, labels);
  const size = image.width;
  let side = size;
  while (side > COARSEST && side % 2 === 0) side /= 2;
  let { values, known } = averages(image, labels, mask, side);
  startEmpty(values, known);
  for (;;) {
    for (let sweep = 0; sweep < (side < size ? SWEEPS : FINEST_SWEEPS); sweep++) smooth(values, known, side);
    if (side === size) break;
    const coarse = values;
    const half = side;
    side *= 2;
    ({ values, known } = averages(image, labels, mask, side));
    known.forEach((isKnown, i) => {
      if (isKnown) return;
      const above = Math.floor(i / side / 2) * half + Math.floor((i % side) / 2);
      for (let c = 0; c < 3; c++) values[3 * i + c] = coarse[3 * above + c];
    });
  }
  const input = new Int8Array(4 * labels.length);
  labels.forEach((label, i) => {
    for (let c = 0; c < 3; c++) input[4 * i + c] = values[3 * i + c] - 128;
    input[4 * i + 3] = label === mask ? -128 : 127;
  });
  return input;
}

/** The rounded means of the visible pixels of side x side blocks, 0 where there are none, and where there are some. */
function averages(image: Rgb, labels: Uint8Array, mask: number, side: number): { values: Uint8Array; known: boolean[] } {
  const [size, step] = [image.width, image.width / side];
  const [sums, counts] = [new Float64Array(3 * side * side), new Uint32Array(side * side)];
  labels.forEach((label, i) => {
    if (label === mask) return;
    const block = Math.floor(i / size / step) * side + Math.floor((i % size) / step);
    counts[block]++;
    for (let c = 0; c < 3; c++) sums[3 * block + c] += image.data[3 * i + c];
  });
  const values = Uint8Array.from(sums, (sum, i) => rounded(sum, counts[Math.floor(i / 3)]));
  return { values, known: Array.from(counts, (count) => count > 0) };
}

/** The mean, rounded half up; 0 where nothing is counted. */
function rounded(sum: number, count: number): number {
  return count === 0 ? 0 : Math.floor((2 * sum + count) / (2 * count));
}

/** The empty pixels of the coarsest level start from the mean of the others there. */
function startEmpty(values: Uint8Array, known: boolean[]): void {
  const number = known.filter(Boolean).length;
  for (let c = 0; c < 3; c++) {
    const sum = known.reduce((total, isKnown, i) => total + (isKnown ? values[3 * i + c] : 0), 0);
    known.forEach((isKnown, i) => {
      if (!isKnown) values[3 * i + c] = rounded(sum, number);
    });
  }
}

/** Replaces each empty pixel by the mean of its neighbours; one outside the image is the pixel itself. */
function smooth(values: Uint8Array, known: boolean[], side: number): void {
  const before = values.slice();
  known.forEach((isKnown, i) => {
    if (isKnown) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    const [up, down] = [y > 0 ? i - side : i, y + 1 < side ? i + side : i];
    const [left, right] = [x > 0 ? i - 1 : i, x + 1 < side ? i + 1 : i];
    for (let c = 0; c < 3; c++) {
      const sum = before[3 * up + c] + before[3 * down + c] + before[3 * left + c] + before[3 * right + c];
      values[3 * i + c] = (sum + 2) >> 2;
    }
  });
}

/**
 * The inpainted image: takes each pixel from the output for the mask that hides it.
 *
 * @param outputs outputs of `mim_micro.tflite`, int8 (s, s, 3), one for each mask in order.
 * @param labels result of `maskLabels`, s s values.
 * @returns 3 s s values q + 128: the inpainting in levels of 1 / 255.
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
