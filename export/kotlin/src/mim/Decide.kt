package mim

import kotlin.math.abs
import kotlin.math.sqrt

/** Added to alpha in the comparison with p: float32 sums differ by about 1e-7, depending on their order. */
private const val SLACK = 1e-6

/** Verdicts. `ordinal` is the code of the graph's output `verdict`, [text] the name in the manifest. */
enum class Verdict(val text: String) {
    MPOX_LIKE("mpox-like"),
    NOT_MPOX_LIKE("not-mpox-like"),
    CANNOT_JUDGE("cannot-judge"),
}

/**
 * Reasons why an image cannot be judged. `ordinal + 1` is the code of the graph's output `reason`; its code 0 is null
 * here. The graph outputs the first three. An app uses [UNREADABLE] for a file that it cannot decode.
 */
enum class Reason(val text: String) {
    BLANK("blank"),
    BLURRED("blurred"),
    NOT_SKIN("not skin"),
    TOO_SMALL("too small"),
    UNREADABLE("unreadable"),
}

/**
 * Limits for images that can be judged.
 *
 * @property minContrast minimum [contrast] of the resampled image.
 * @property minDetail minimum [detail] of the resampled image.
 * @property minSide minimum of the shorter side of the photograph, in pixels.
 * @property maxNovelty `max_foreignness` of the manifest: maximum of the graph's output `foreignness`; null: no limit.
 */
class Gate(val minContrast: Float, val minDetail: Float, val minSide: Int, val maxNovelty: Float?)

/**
 * The conformal calibration table.
 *
 * @property similarities of the calibration images, ascending.
 * @property weights for each image, 1 / (number of images of its group).
 * @property groups number of groups G.
 * @property alpha an image is `not-mpox-like` if its p-value is at most alpha.
 */
class Calibration(val similarities: FloatArray, val weights: FloatArray, val groups: Int, val alpha: Double)

/**
 * Standard deviation of the luma, 0.299 R + 0.587 G + 0.114 B of pixel / 255.
 *
 * @param image resampled.
 * @return a value in [0, 0.5]: half black and half white gives 0.5, one colour gives 0.
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
 * Mean absolute difference between the luma of neighbours, vertical and horizontal.
 *
 * Example: black and white stripes one pixel wide give 0.5, because they differ along one axis only.
 *
 * @param image resampled, at least 2 pixels per side.
 * @return a value in [0, 1].
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
 * The reason why a resampled image cannot be judged. Does not check [Gate.minSide], which applies to the photograph.
 *
 * Example: an image of one colour is `BLANK` if `minContrast` is above 0.
 *
 * @param image resampled.
 * @param limits the bundle's gate.
 * @param novelty the graph's output `foreignness`; 0 for the measure `ssim`.
 * @return null if the image can be judged.
 */
fun gate(image: Image, limits: Gate, novelty: Float): Reason? = when {
    contrast(image) < limits.minContrast -> Reason.BLANK
    detail(image) < limits.minDetail -> Reason.BLURRED
    limits.maxNovelty != null && novelty > limits.maxNovelty -> Reason.NOT_SKIN
    else -> null
}

/**
 * The conformal p-value over groups: (1 + sum of the weights of similarities up to this one) / (G + 1), in float32.
 *
 * Example: with the groups {0.5} and {0.7, 0.9}, p(0.6) = (1 + 1) / 3 and p(0.8) = (1 + 1.5) / 3.
 *
 * @param similarity the graph's output.
 * @param calibration the table.
 * @return a value in [1 / (G + 1), 1].
 * @throws MimError the similarity is NaN.
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
 * @param reason result of [gate]; any value except null gives `CANNOT_JUDGE`.
 * @param alpha the level.
 */
fun verdict(p: Float, reason: Reason?, alpha: Double): Verdict = when {
    reason != null -> Verdict.CANNOT_JUDGE
    p <= (alpha + SLACK).toFloat() -> Verdict.NOT_MPOX_LIKE
    else -> Verdict.MPOX_LIKE
}
