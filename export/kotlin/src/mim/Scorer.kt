package mim

/**
 * Outputs of the signature `score` of `mim.tflite` for one image; S is the bundle's `size`.
 *
 * @property similarity higher: more similar to the class; unbounded for the measure `deep`.
 * @property pValue conformal p-value.
 * @property verdict code, 0 to 2.
 * @property reason code, 0 to 3.
 * @property inpainted 3 S² unsigned values.
 * @property errorMap S² values.
 * @property ssim between the image and its inpainting.
 */
class Outputs(
    val similarity: Float,
    val pValue: Float,
    val verdict: Int,
    val reason: Int,
    val inpainted: ByteArray,
    val errorMap: FloatArray,
    val ssim: Float,
)

/** Runs `mim.tflite`. An app wraps LiteRT's interpreter in it; a test returns known outputs. */
fun interface Runner {
    /**
     * @param image input `image` of the signature `score`: 3 S² uint8 values.
     * @return its outputs.
     */
    fun score(image: ByteArray): Outputs
}

/**
 * The result for a photograph.
 *
 * @property verdict `CANNOT_JUDGE` if [reason] is not null.
 * @property reason null if the photograph can be judged.
 * @property similarity for logs, never a percentage.
 * @property pValue share of the class with the same similarity or less, in (0, 1]. For logs: 0.42 does not mean 42 %
 *   mpox.
 * @property ssim between the image and its inpainting, at most 1.
 * @property inpainted S x S pixels.
 * @property errorMap error of the inpainting: S² values in rows, 0 where it is equal to the image.
 */
class Judgement(
    val verdict: Verdict,
    val reason: Reason?,
    val similarity: Float,
    val pValue: Float,
    val ssim: Float,
    val inpainted: Image,
    val errorMap: FloatArray,
)

/**
 * Judges photographs with a bundle. Not thread-safe. Do not use it on the main thread: a photograph takes tens of
 * milliseconds or more.
 *
 * @param bundle the bundle whose `mim.tflite` [runner] runs.
 * @param runner the interpreter.
 */
class Scorer(private val bundle: Bundle, private val runner: Runner) {
    /**
     * Judges one photograph.
     *
     * Example: a photograph whose shorter side is below `gate.minSide` is `CANNOT_JUDGE`, `TOO_SMALL`.
     *
     * @param photo upright, of any size.
     * @throws MimError the outputs of the model are invalid for this bundle.
     */
    fun score(photo: Image): Judgement {
        val outputs = runner.score(resample(photo, bundle.size).pixels)
        check(outputs)
        val small = minOf(photo.width, photo.height) < bundle.gate.minSide
        return Judgement(
            verdict = if (small) Verdict.CANNOT_JUDGE else Verdict.entries[outputs.verdict],
            reason = if (small) Reason.TOO_SMALL else Reason.entries.getOrNull(outputs.reason - 1),
            similarity = outputs.similarity,
            pValue = outputs.pValue,
            ssim = outputs.ssim,
            inpainted = Image(bundle.size, bundle.size, outputs.inpainted),
            errorMap = outputs.errorMap,
        )
    }

    private fun check(outputs: Outputs) {
        val pixels = bundle.size * bundle.size
        val known = outputs.verdict in Verdict.entries.indices && outputs.reason in 0..Reason.NOT_SKIN.ordinal + 1
        val probable = outputs.pValue > 0 && outputs.pValue <= 1.00001f // a float32 sum may exceed 1
        val finite = outputs.similarity.isFinite() && outputs.ssim.isFinite() && probable
        val whole = outputs.inpainted.size == 3 * pixels && outputs.errorMap.size == pixels
        if (!known || !finite || !whole || (outputs.verdict == Verdict.CANNOT_JUDGE.ordinal) != (outputs.reason > 0)) {
            throw MimError("mim.tflite", "gave invalid outputs", "run the bundle's own model, on the CPU")
        }
    }
}
