package mim

import kotlin.math.abs
import kotlin.math.sqrt

/** Added to alpha where p is compared with it: float32 sums of the same weights differ by about 1e-7 with their order. */
private const val SLACK = 1e-6

/** Verdicts; `ordinal` is the code in the graph's output `verdict`, [text] the manifest's word for it. */
enum class Verdict(val text: String) {
    MPOX_LIKE("mpox-like"),
    NOT_MPOX_LIKE("not-mpox-like"),
    CANNOT_JUDGE("cannot-judge"),
}

/**
 * Why an image cannot be judged; `ordinal + 1` is the code in the graph's output `reason`, whose 0 is null here. The
 * graph gives the first three. [UNREADABLE] is for the app to say of a file that it could not decode.
 */
enum class Reason(val text: String) {
    BLANK("blank"),
    BLURRED("blurred"),
    NOT_SKIN("not skin"),
    TOO_SMALL("too small"),
    UNREADABLE("unreadable"),
}

/**
 * Limits beyond which an image cannot be judged.
 *
 * @property minContrast least [contrast] of the resampled image.
 * @property minDetail least [detail] of the resampled image.
 * @property minSide least shorter side of the photograph, in pixels.
 * @property maxForeignness largest `foreignness` of the graph; null where nothing is asked.
 */
class Gate(val minContrast: Float, val minDetail: Float, val minSide: Int, val maxForeignness: Float?)

/**
 * The conformal table.
 *
 * @property similarities of the calibration images, ascending.
 * @property weights for each of them 1 / (number of images of its group).
 * @property groups number of groups G.
 * @property alpha an image is `not-mpox-like` if its p-value is at most alpha.
 */
class Calibration(val similarities: FloatArray, val weights: FloatArray, val groups: Int, val alpha: Double)

/**
 * Standard deviation of the luma, 0.299 R + 0.587 G + 0.114 B of pixel / 255.
 *
 * @param image resampled.
 * @return in [0, 0.5]: half black, half white gives 0.5, one colour 0.
 */
fun contrast(image: Image): Float {
    val luma = luma(image)
    var sum = 0.0
    for (value in luma) sum += value
    val mean = sum / luma.size
    var squares = 0.0
    for (value in luma) squares += (value - mean) * (value - mean)
    return sqrt(squares / luma.size).toFloat()
}

/**
 * Mean absolute difference of the luma of neighbours, down and to the right alike.
 *
 * Example: stripes one pixel wide, black and white, give 0.5, for they differ along one axis only.
 *
 * @param image resampled, at least 2 pixels a side.
 * @return in [0, 1].
 */
fun detail(image: Image): Float {
    val luma = luma(image)
    val width = image.width
    var down = 0.0
    for (i in width until luma.size) down += abs(luma[i] - luma[i - width])
    var right = 0.0
    for (i in luma.indices) if (i % width > 0) right += abs(luma[i] - luma[i - 1])
    return (0.5 * (down / (width * (image.height - 1.0)) + right / ((width - 1.0) * image.height))).toFloat()
}

private fun luma(image: Image): FloatArray = FloatArray(image.width * image.height) {
    val red = image.pixels[3 * it].toInt() and 255
    val green = image.pixels[3 * it + 1].toInt() and 255
    val blue = image.pixels[3 * it + 2].toInt() and 255
    (0.299f * red + 0.587f * green + 0.114f * blue) / 255f
}

/**
 * Why a resampled image cannot be judged; [Gate.minSide] is not asked here, for the photograph has to be.
 *
 * Example: an image of one colour is `BLANK` where `minContrast` is above 0.
 *
 * @param image resampled.
 * @param limits of the bundle.
 * @param foreignness the graph's output; 0 of the measure `ssim`.
 * @return null where it can be judged.
 */
fun gate(image: Image, limits: Gate, foreignness: Float): Reason? = when {
    contrast(image) < limits.minContrast -> Reason.BLANK
    detail(image) < limits.minDetail -> Reason.BLURRED
    limits.maxForeignness != null && foreignness > limits.maxForeignness -> Reason.NOT_SKIN
    else -> null
}

/**
 * The conformal p-value among groups: (1 + sum of the weights of similarities up to this one) / (G + 1), in float32.
 *
 * Example: with the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
 *
 * @param similarity of the graph.
 * @param calibration the table.
 * @return in [1 / (G + 1), 1].
 * @throws MimError the similarity is not a number.
 */
fun pValue(similarity: Float, calibration: Calibration): Float {
    if (similarity.isNaN()) throw MimError("similarity", "not a number", "run the model again, on the CPU")
    var below = 0f
    for ((i, tabled) in calibration.similarities.withIndex()) if (tabled <= similarity) below += calibration.weights[i]
    return (1f + below) / (calibration.groups + 1)
}

/**
 * The verdict.
 *
 * Example: at alpha = 0.05, p = 0.03 gives `NOT_MPOX_LIKE` and p = 0.4 `MPOX_LIKE`; with a reason both give
 * `CANNOT_JUDGE`.
 *
 * @param p the p-value.
 * @param reason of [gate]; any but null gives `CANNOT_JUDGE`.
 * @param alpha the level.
 */
fun verdict(p: Float, reason: Reason?, alpha: Double): Verdict = when {
    reason != null -> Verdict.CANNOT_JUDGE
    p <= (alpha + SLACK).toFloat() -> Verdict.NOT_MPOX_LIKE
    else -> Verdict.MPOX_LIKE
}
