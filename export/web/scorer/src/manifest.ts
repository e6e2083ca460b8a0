/** Verdicts, indexed by the codes of the graph's output `verdict`. */
export const VERDICTS = ["mpox-like", "not-mpox-like", "undecided", "cannot-judge"] as const;
/** Reasons, indexed by the codes of the graph's output `reason`. null: the image can be judged. */
export const REASONS = [null, "blank", "blurred", "not skin", "too small", "unreadable", "too large"] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Reason = (typeof REASONS)[number];
/** The reasons that the S x S pixels of an image and the graph can give. */
export type GateReason = Exclude<Reason, RefusedReason>;
/** The reasons for which nothing is computed. */
export type RefusedReason = "too small" | "unreadable" | "too large";

/** The fixed masks: mask (x div cell + (y div cell) step) mod count hides pixel (y, x). */
export interface MaskSet {
  /** Side of the inpainted image, in pixels. */
  readonly size: number;
  /** Side of a cell, in pixels. */
  readonly cell: number;
  readonly count: number;
  readonly step: number;
}

/** Constants of SSIM. */
export interface Measure {
  readonly name: string;
  /** Side of the window in pixels, odd. */
  readonly window: number;
  readonly sigma: number;
  readonly c1: number;
  readonly c2: number;
}

/** Similarities of known images, from which a p-value is computed. */
export interface Table {
  /** Ascending. */
  readonly similarities: readonly number[];
  /** One positive weight for each similarity. Their sum is `groups`. */
  readonly weights: readonly number[];
  readonly groups: number;
}

/** The table of the class. */
export interface Calibration extends Table {
  /** In (0, 1). The class is excluded if its p-value is at most alpha. */
  readonly alpha: number;
}

/** The table of other skin. It may be empty; then no image is `mpox-like`. */
export interface Reference extends Table {
  /** In (0, 1). Other skin is excluded if its p-value is at most beta. */
  readonly beta: number;
  /** The highest similarity at which other skin is not excluded; null: it is excluded at none. */
  readonly threshold: number | null;
}

/** Limits for images that can be judged. */
export interface Gate {
  readonly min_contrast: number;
  readonly min_detail: number;
  /** Minimum of the shorter side of a photograph, in pixels. */
  readonly min_side: number;
  /** null: no limit. */
  readonly max_novelty: number | null;
}

/** The entries of `manifest.json` that a scorer needs. */
export interface Manifest {
  readonly version: string;
  /** Identifies `mim.tflite`: store it with a verdict. */
  readonly model_id: string;
  readonly statement: string;
  readonly normal_class: string;
  /** Side S of the input image of `mim.tflite`, in pixels. */
  readonly size: number;
  /** null if the method has no masks. */
  readonly mask_set: MaskSet | null;
  readonly measure: Measure;
  readonly calibration: Calibration;
  readonly reference: Reference;
  readonly gate: Gate;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}
