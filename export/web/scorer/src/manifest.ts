/** Verdicts, indexed by the codes of the graph's output `verdict`. */
export const VERDICTS = ["mpox-like", "not-mpox-like", "cannot-judge"] as const;
/** Reasons, indexed by the codes of the graph's output `reason`. null: the image can be judged. */
export const REASONS = [null, "blank", "blurred", "not skin", "too small", "unreadable"] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Reason = (typeof REASONS)[number];

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

/** The conformal calibration table. */
export interface Calibration {
  readonly similarities: readonly number[];
  readonly weights: readonly number[];
  readonly groups: number;
  /** In (0, 1). */
  readonly alpha: number;
}

/** Limits for images that can be judged. */
export interface Gate {
  readonly min_contrast: number;
  readonly min_detail: number;
  /** Minimum of the shorter side of a photograph, in pixels. */
  readonly min_side: number;
  /** `max_foreignness` of the file; null: no limit. */
  readonly max_novelty: number | null;
}

/** The entries of `manifest.json` that a scorer needs. Names are those of the file, except `gate.max_novelty`. */
export interface Manifest {
  readonly version: string;
  readonly statement: string;
  readonly normal_class: string;
  /** Side S of the input image of `mim.tflite`, in pixels. */
  readonly size: number;
  /** null if the method has no masks. */
  readonly mask_set: MaskSet | null;
  readonly measure: Measure;
  readonly calibration: Calibration;
  readonly gate: Gate;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}
