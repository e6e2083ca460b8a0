package io.github.mimtf

/**
 * Outputs of the signature `verdict` of `mim.tflite` for one image.
 *
 * @property similarity higher: more similar to the class; unbounded for the measure `deep`.
 * @property pClass p-value of the class.
 * @property pOther p-value of other skin.
 * @property verdict code, 0 to 3.
 * @property reason code, 0 to 3.
 */
class Outputs(val similarity: Float, val pClass: Float, val pOther: Float, val verdict: Int, val reason: Int)

/**
 * Outputs of the signature `explain` of `mim.tflite` for one image; S is the bundle's `size`.
 *
 * @property outputs those that the signature `verdict` has as well.
 * @property ssim between the image and its inpainting.
 * @property inpainted 3 S² unsigned values.
 * @property errorMap S² values.
 */
class ExplainOutputs(val outputs: Outputs, val ssim: Float, val inpainted: ByteArray, val errorMap: FloatArray)

/** Runs `mim.tflite`. An app wraps LiteRT's interpreter in it; a test returns known outputs. */
interface Runner {
    /**
     * @param image input `image` of the signature `verdict`: 3 S² uint8 values.
     * @return its outputs.
     */
    fun verdict(image: ByteArray): Outputs

    /**
     * @param image input `image` of the signature `explain`: 3 S² uint8 values.
     * @return its outputs.
     */
    fun explain(image: ByteArray): ExplainOutputs
}

/**
 * The result for a photograph.
 *
 * @property verdict `CANNOT_JUDGE` if [reason] is not null.
 * @property reason null if the photograph can be judged.
 * @property similarity for logs, never a percentage. NaN, like the p-values, if the model did not run.
 * @property pClass share of the class with the same similarity or less, in (0, 1]. Not a probability of mpox: show it as
 *   a bar with a mark at the bundle's `alpha`, or not at all.
 * @property pOther share of other skin with the same similarity or more, in (0, 1]. The same, with a mark at `beta`.
 */
class Judgement(
    val verdict: Verdict,
    val reason: Reason?,
    val similarity: Float,
    val pClass: Float,
    val pOther: Float,
) {
    companion object {
        /**
         * The result for a photograph that the model does not get, such as one that cannot be decoded.
         *
         * Example: `Judgement.without(Reason.TOO_LARGE)` has the verdict `CANNOT_JUDGE`.
         *
         * @param reason why; [Reason.UNREADABLE] or [Reason.TOO_LARGE].
         */
        fun without(reason: Reason) = Judgement(Verdict.CANNOT_JUDGE, reason, Float.NaN, Float.NaN, Float.NaN)
    }
}

/**
 * The result for a photograph, and what it is based on.
 *
 * @property judgement the result.
 * @property ssim between the image and its inpainting, at most 1.
 * @property inpainted S x S pixels.
 * @property errorMap error of the inpainting: S² values in rows, 0 where it is equal to the image.
 */
class Explanation(val judgement: Judgement, val ssim: Float, val inpainted: MimImage, val errorMap: FloatArray)

/**
 * Judges photographs with a bundle. Not thread-safe. Do not use it on the main thread: a photograph takes tens of
 * milliseconds or more.
 *
 * @param bundle the bundle whose `mim.tflite` [runner] runs.
 * @param runner the interpreter.
 */
class Scorer(private val bundle: MimBundle, private val runner: Runner) {
    /** Side S to which photographs are resampled, in pixels. */
    val size: Int = bundle.size

    /**
     * Judges one photograph.
     *
     * Example: a photograph whose shorter side is below `gate.minSide` is `CANNOT_JUDGE`, `TOO_SMALL`.
     *
     * @param photo upright, of any size.
     * @throws MimError the outputs of the model are invalid for this bundle.
     */
    fun judge(photo: MimImage): Judgement = judge(resampled(photo, bundle.size))

    /**
     * Judges one photograph that was decoded in strips.
     *
     * @param photo a resampler with all rows of the photograph, whose `size` is that of the bundle.
     * @throws MimError rows are missing, the size is another, or the outputs of the model are invalid for this bundle.
     */
    fun judge(photo: Resampler): Judgement = judgement(photo.side, runner.verdict(input(photo)))

    /**
     * Judges one photograph like [judge], and also returns its inpainting and error map, which take longer.
     *
     * @param photo upright, of any size.
     * @throws MimError the outputs of the model are invalid for this bundle.
     */
    fun explain(photo: MimImage): Explanation = explain(resampled(photo, bundle.size))

    /**
     * Explains one photograph that was decoded in strips.
     *
     * @param photo as for [judge].
     * @throws MimError as for [judge].
     */
    fun explain(photo: Resampler): Explanation {
        val found = runner.explain(input(photo))
        val pixels = bundle.size * bundle.size
        demand(found.ssim.isFinite() && found.inpainted.size == 3 * pixels && found.errorMap.size == pixels)
        val inpainted = MimImage(bundle.size, bundle.size, found.inpainted)
        return Explanation(judgement(photo.side, found.outputs), found.ssim, inpainted, found.errorMap)
    }

    private fun input(photo: Resampler): ByteArray {
        val image = photo.image()
        if (image.width != bundle.size) {
            throw MimError("photograph", "resampled to ${image.width} px", "resample it to ${bundle.size} px")
        }
        return image.pixels
    }

    private fun judgement(side: Int, outputs: Outputs): Judgement {
        val known = outputs.verdict in Verdict.entries.indices && outputs.reason in 0..Reason.NOT_SKIN.ordinal + 1
        val probable = listOf(outputs.pClass, outputs.pOther).all { it > 0 && it <= 1.00001f } // float32 may round up
        demand(known && outputs.similarity.isFinite() && probable)
        demand((outputs.verdict == Verdict.CANNOT_JUDGE.ordinal) == (outputs.reason > 0))
        val small = side < bundle.gate.minSide
        return Judgement(
            verdict = if (small) Verdict.CANNOT_JUDGE else Verdict.entries[outputs.verdict],
            reason = if (small) Reason.TOO_SMALL else Reason.entries.getOrNull(outputs.reason - 1),
            similarity = outputs.similarity,
            pClass = outputs.pClass,
            pOther = outputs.pOther,
        )
    }

    private fun demand(holds: Boolean) {
        if (!holds) throw MimError("mim.tflite", "gave invalid outputs", "run the bundle's own model, on the CPU")
    }
}
