package io.github.mimtf

import kotlin.math.exp

private const val WINDOW = 11
private const val BORDER = WINDOW / 2
private const val SIGMA = 1.5
private const val C1 = 0.01 * 0.01
private const val C2 = 0.03 * 0.03

private val TAPS: DoubleArray = DoubleArray(WINDOW) { exp(-0.5 * (it - BORDER) * (it - BORDER) / (SIGMA * SIGMA)) }
    .let { taps -> DoubleArray(WINDOW) { taps[it] / taps.sum() } }

/**
 * Mean structural similarity of two images, over the windows inside the image and over the channels (Wang et al., IEEE
 * Transactions on Image Processing 13, 2004): Gaussian window 11 x 11, sigma 1.5, population covariance, data range 1.
 *
 * Example: `ssim(x, x, 96, 96)` is 1; for an image of zeros and an image of ones it is 0.0001 / 1.0001 = 0.0001.
 *
 * @param a 3 width height values in [0, 1], interleaved, such as `image.toFloats()`.
 * @param b like [a], such as `masks.assemble(outputs)`.
 * @param width in pixels, at least 11.
 * @param height in pixels, at least 11.
 * @return at most 1.
 * @throws MimError the arrays have the wrong size, or the images are too small.
 */
fun ssim(a: FloatArray, b: FloatArray, width: Int, height: Int): Double {
    checkPair(a, b, width, height)
    return similarities(a, b, width, height).average()
}

/**
 * 1 - SSIM at each pixel, averaged over the channels. The images are padded by reflection.
 *
 * Example: it is 0 everywhere for two equal images.
 *
 * @param a as for [ssim].
 * @param b as for [ssim].
 * @param width in pixels, at least 11.
 * @param height in pixels, at least 11.
 * @return width height values in [0, 2], in rows.
 * @throws MimError the arrays have the wrong size, or the images are too small.
 */
fun errorMap(a: FloatArray, b: FloatArray, width: Int, height: Int): FloatArray {
    checkPair(a, b, width, height)
    val (wideA, wideB) = listOf(a, b).map { reflected(it, width, height) }
    val similar = similarities(wideA, wideB, width + 2 * BORDER, height + 2 * BORDER)
    return FloatArray(similar.size) { (1 - similar[it]).toFloat() }
}

/** SSIM of each window inside the image, averaged over the channels: (width - 10) (height - 10) values. */
private fun similarities(a: FloatArray, b: FloatArray, width: Int, height: Int): DoubleArray {
    val mean = DoubleArray((width - 2 * BORDER) * (height - 2 * BORDER))
    for (c in 0 until 3) {
        val x = DoubleArray(width * height) { a[3 * it + c].toDouble() }
        val y = DoubleArray(width * height) { b[3 * it + c].toDouble() }
        val meanX = smooth(x, width, height)
        val meanY = smooth(y, width, height)
        val xx = smooth(DoubleArray(x.size) { x[it] * x[it] }, width, height)
        val yy = smooth(DoubleArray(x.size) { y[it] * y[it] }, width, height)
        val xy = smooth(DoubleArray(x.size) { x[it] * y[it] }, width, height)
        for (i in mean.indices) {
            val squares = meanX[i] * meanX[i] + meanY[i] * meanY[i]
            val product = meanX[i] * meanY[i]
            val luminance = (2 * product + C1) / (squares + C1)
            mean[i] += luminance * (2 * (xy[i] - product) + C2) / (xx[i] + yy[i] - squares + C2) / 3
        }
    }
    return mean
}

/** Gaussian means over the windows inside the image, in two passes. */
private fun smooth(values: DoubleArray, width: Int, height: Int): DoubleArray {
    val inner = width - 2 * BORDER
    val rows = DoubleArray(inner * height)
    for (i in rows.indices) {
        for (k in 0 until WINDOW) rows[i] += TAPS[k] * values[i / inner * width + i % inner + k]
    }
    val means = DoubleArray(inner * (height - 2 * BORDER))
    for (i in means.indices) {
        for (k in 0 until WINDOW) means[i] += TAPS[k] * rows[i + k * inner]
    }
    return means
}

/** Pads five pixels on each side by reflection, with the edge pixel repeated: 2 1 0 | 0 1 2. */
private fun reflected(values: FloatArray, width: Int, height: Int): FloatArray {
    val wide = width + 2 * BORDER
    return FloatArray(3 * wide * (height + 2 * BORDER)) {
        val row = inside(it / 3 / wide - BORDER, height)
        val column = inside(it / 3 % wide - BORDER, width)
        values[3 * (row * width + column) + it % 3]
    }
}

private fun inside(i: Int, length: Int): Int = if (i < 0) -1 - i else if (i >= length) 2 * length - 1 - i else i

private fun checkPair(a: FloatArray, b: FloatArray, width: Int, height: Int) {
    if (width < WINDOW || height < WINDOW || a.size.toLong() != 3L * width * height || b.size != a.size) {
        val problem = "${a.size} and ${b.size} values for $width x $height"
        throw MimError("ssim", problem, "give two RGB images of the same size, at least 11 px a side")
    }
}
