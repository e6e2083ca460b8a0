/** Checked by `tsc` alone: what the types of results promise. */

import { expectTypeOf } from "vitest";
import type { Explained, GateReason, Judged, Refused, RefusedExplained, Rgb } from "../src/index.js";
import type { PhotoScorer } from "../src/worker.js";

export function judged(result: Awaited<ReturnType<PhotoScorer["judge"]>>): void {
  expectTypeOf(result).toEqualTypeOf<Judged | Refused>();
  const { reason } = result;
  if (result.reason === "too small" || result.reason === "unreadable" || result.reason === "too large") {
    expectTypeOf(result.similarity).toEqualTypeOf<null>();
    expectTypeOf(result.verdict).toEqualTypeOf<"cannot-judge">();
    expectTypeOf(result.remedy).toEqualTypeOf<string>();
  } else {
    expectTypeOf(result.similarity).toEqualTypeOf<number>();
    expectTypeOf(result.pClass).toEqualTypeOf<number>();
    expectTypeOf(result.pOther).toEqualTypeOf<number>();
    expectTypeOf(result.reason).toEqualTypeOf<GateReason>();
  }
  if (result.similarity === null) expectTypeOf(result).toEqualTypeOf<Refused>();
  else expectTypeOf(result).toEqualTypeOf<Judged>();
  expectTypeOf(reason).toEqualTypeOf<
    null | "blank" | "blurred" | "not skin" | "too small" | "unreadable" | "too large"
  >();
}

export function explained(result: Awaited<ReturnType<PhotoScorer["explain"]>>): void {
  expectTypeOf(result).toEqualTypeOf<Explained | RefusedExplained>();
  if (result.errorMap === null) {
    expectTypeOf(result.inpainted).toEqualTypeOf<null>();
  } else {
    expectTypeOf(result.errorMap).toEqualTypeOf<Float32Array>();
    expectTypeOf(result.inpainted).toEqualTypeOf<Rgb>();
    expectTypeOf(result.image).toEqualTypeOf<Rgb>();
    expectTypeOf(result.pClass).toEqualTypeOf<number>();
  }
}
