package io.github.mimtf

import kotlin.math.abs
import kotlin.math.sqrt

/** Added to alpha and beta in the comparison with p, since float32 sums of weights in another order differ by less. */
private const val SLACK = 1e-5

/** Verdicts. `ordinal` is the code of the graph's output `verdict`, [text] the name in the manifest. */
enum class Verdict(val text: String) {
    MPOX_LIKE("mpox-like"),
    NOT_MPOX_LIKE("not-mpox-like"),

    /** Neither mpox nor other skin could be excluded, or both were. */
    UNDECIDED("undecided"),
    CANNOT_JUDGE("cannot-judge"),
}

/**
 * Reasons why an image cannot be judged. `ordinal + 1` is the code of the graph's output `reason`; its code 0 is null
 * here. The graph outputs the first three. An app uses [UNREADABLE] for a file that it cannot decode, and
 * [TOO_LARGE] for one with more pixels than it can decode.
 */
enum class Reason(val text: String) {
    BLANK("blank"),
    BLURRED("blurred"),
    NOT_SKIN("not skin"),
    TOO_SMALL("too small"),
    UNREADABLE("unreadable"),
    TOO_LARGE("too large"),
}

/**
 * Limits for images that can be judged.
 *
 * @property minContrast minimum [contrast] of the resampled image.
 * @property minDetail minimum [detail] of the resampled image.
 * @property minSide minimum of the shorter side of the photograph, in pixels.
 * @property maxNovelty maximum of the graph's output `novelty`; null: no limit.
 */
class Gate(val minContrast: Float, val minDetail: Float, val minSide: Int, val maxNovelty: Float?)

/**
 * A conformal table: images whose similarities an image is compared with.
 *
 * @property similarities of the images, ascending.
 * @property weights of the images, which sum to [groups]. In the table of the class, 1 / (number of images of the
 *   group). In that of other skin every condition has the same total weight, so a weight may be larger than 1.
 * @property groups number of groups; 0 for an empty table.
 */
class ConformalTable(val similarities: FloatArray, val weights: FloatArray, val groups: Int)

/**
 * Standard deviation of the luma, 0.299 R + 0.587 G + 0.114 B of pixel / 255.
 *
 * @param image resampled.
 * @return a value in [0, 0.5]: half black and half white gives 0.5, one colour gives 0.
 */
fun contrast(image: MimImage): Float {
    val luma = luma(image)
    var sum = 0.0
    for (value in luma) sum += value
    val mean = sum / luma.size
    var squares = 0.0
    for (value in luma) squares += (value - mean) * (value - mean)
    return sqrt(squares / luma.size).toFloat()
}

/**
 * Mean absolute difference between the luma of neighbours, vertical and horizontal.
 *
 * Example: black and white stripes one pixel wide give 0.5, because they differ along one axis only.
 *
 * @param image resampled, at least 2 pixels per side.
 * @return a value in [0, 1].
 */
fun detail(image: MimImage): Float {
    val luma = luma(image)
    val width = image.width
    var down = 0.0
    for (i in width until luma.size) down += abs(luma[i] - luma[i - width])
    var right = 0.0
    for (i in luma.indices) if (i % width > 0) right += abs(luma[i] - luma[i - 1])
    return (0.5 * (down / (width * (image.height - 1.0)) + right / ((width - 1.0) * image.height))).toFloat()
}

private fun luma(image: MimImage): FloatArray = FloatArray(image.width * image.height) {
    val red = image.pixels[3 * it].toInt() and 255
    val green = image.pixels[3 * it + 1].toInt() and 255
    val blue = image.pixels[3 * it + 2].toInt() and 255
    (0.299f * red + 0.587f * green + 0.114f * blue) / 255f
}

/**
 * The reason why a resampled image cannot be judged. Does not check [Gate.minSide], which applies to the photograph.
 *
 * Example: an image of one colour is `BLANK` if `minContrast` is above 0.
 *
 * @param image resampled.
 * @param limits the bundle's gate.
 * @param novelty the graph's output `novelty`; 0 for the measure `ssim`.
 * @return null if the image can be judged.
 */
fun gate(image: MimImage, limits: Gate, novelty: Float): Reason? = when {
    contrast(image) < limits.minContrast -> Reason.BLANK
    detail(image) < limits.minDetail -> Reason.BLURRED
    limits.maxNovelty != null && novelty > limits.maxNovelty -> Reason.NOT_SKIN
    else -> null
}

/**
 * The conformal p-value of the hypothesis that an image is of the class: (1 + sum of the weights of similarities up to
 * this one) / (groups + 1).
 *
 * Example: with the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
 *
 * @param similarity the graph's output.
 * @param calibration the table of the class.
 * @return a value in [1 / (groups + 1), 1].
 * @throws MimError the similarity is NaN.
 */
fun pClass(similarity: Float, calibration: ConformalTable): Float = pValue(similarity, calibration) { it <= similarity }

/**
 * The p-value of the hypothesis that an image is of other skin: (1 + sum of the weights of similarities from this one
 * on) / (groups + 1).
 *
 * Example: with one group {0.2} of a condition and two groups {0.4}, {0.6} of another, the weights are 1.5, 0.75 and
 * 0.75, so p(0.5) = (1 + 0.75) / 4 and p(0.3) = (1 + 1.5) / 4.
 *
 * @param similarity the graph's output.
 * @param reference the table of other skin.
 * @return a value in [1 / (groups + 1), 1]; 1 for an empty table.
 * @throws MimError the similarity is NaN.
 */
fun pOther(similarity: Float, reference: ConformalTable): Float = pValue(similarity, reference) { it >= similarity }

private inline fun pValue(similarity: Float, table: ConformalTable, counts: (Float) -> Boolean): Float {
    if (similarity.isNaN()) throw MimError("similarity", "not a number", "run the model again, on the CPU")
    var sum = 1.0 // in float64, since float32 sums of hundreds of weights differ by about 1e-6
    for ((i, tabled) in table.similarities.withIndex()) if (counts(tabled)) sum += table.weights[i]
    // The rounded weights may sum to slightly more than the number of groups.
    return minOf(1.0, sum / (table.groups + 1.0)).toFloat()
}

/**
 * The verdict. The class is excluded if [pClass] is at most [alpha], other skin if [pOther] is at most [beta]. If other
 * skin alone is excluded, it is `MPOX_LIKE`; if the class alone is, `NOT_MPOX_LIKE`; if both or neither, `UNDECIDED`.
 *
 * Example: at alpha = 0.05 and beta = 0.2, the p-values 0.4 and 0.1 give `MPOX_LIKE`, 0.03 and 0.9 `NOT_MPOX_LIKE`, 0.4
 * and 0.5 `UNDECIDED`, 0.03 and 0.1 `UNDECIDED`; with a reason all give `CANNOT_JUDGE`.
 *
 * @param pClass p-value of the class.
 * @param pOther p-value of other skin.
 * @param reason result of [gate]; any value except null gives `CANNOT_JUDGE`.
 * @param alpha the level of the class.
 * @param beta the level of other skin.
 */
fun verdict(pClass: Float, pOther: Float, reason: Reason?, alpha: Double, beta: Double): Verdict {
    val noClass = pClass <= (alpha + SLACK).toFloat()
    val noOther = pOther <= (beta + SLACK).toFloat()
    return when {
        reason != null -> Verdict.CANNOT_JUDGE
        noClass == noOther -> Verdict.UNDECIDED
        noClass -> Verdict.NOT_MPOX_LIKE
        else -> Verdict.MPOX_LIKE
    }
}
