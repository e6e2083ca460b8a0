package mim

/** Largest side of a resampled image, in pixels. */
internal const val MAX_SIZE = 4096

/**
 * Resamples the centre square of an image by exact area average.
 *
 * The square has side N = min(width, height). In units of 1/S pixel, source pixel i covers [i S, (i + 1) S) and target
 * pixel j covers [j N, (j + 1) N); a weight is the length of their overlap. The result is rounded once:
 * `(2 sum + N²) div (2 N²)`.
 *
 * Example: at size 1 the 2 x 2 image 0, 10, 20, 31 (in each channel) becomes (122 + 4) div 8 = 15.
 *
 * @param image an image of any size; an image smaller than [size] is enlarged by the same rule.
 * @param size side S of the result, in pixels, 1 to 4096.
 * @return S x S pixels.
 * @throws MimError the size is out of range.
 */
fun resample(image: Image, size: Int): Image {
    if (size !in 1..MAX_SIZE) throw MimError("size", "$size px", "give 1 to $MAX_SIZE")
    val side = minOf(image.width, image.height) // at most 10,000, because of MAX_PIXELS
    val top = (image.height - side) / 2
    val left = (image.width - side) / 2
    val result = ByteArray(3 * size * size)
    val rows = IntArray(3 * side)
    for (j in 0 until size) {
        rows.fill(0)
        for (i in first(j, side, size)..last(j, side, size)) {
            val weight = overlap(i, j, side, size)
            val start = 3 * ((top + i) * image.width + left)
            for (k in 0 until 3 * side) rows[k] += weight * (image.pixels[start + k].toInt() and 255)
        }
        for (x in 0 until size) average(rows, x, side, size, result, 3 * (j * size + x))
    }
    return Image(size, size, result)
}

/** Averages the columns of a target pixel. 255 N² exceeds 2^31 from N = 2902 on: a 12 MP photograph needs 64 bits. */
private fun average(rows: IntArray, x: Int, side: Int, size: Int, result: ByteArray, target: Int) {
    val area = side.toLong() * side
    for (c in 0 until 3) {
        var sum = 0L
        for (k in first(x, side, size)..last(x, side, size)) {
            sum += overlap(k, x, side, size).toLong() * rows[3 * k + c]
        }
        result[target + c] = ((2 * sum + area) / (2 * area)).toByte()
    }
}

private fun first(j: Int, side: Int, size: Int): Int = j * side / size

private fun last(j: Int, side: Int, size: Int): Int = ((j + 1) * side - 1) / size

private fun overlap(i: Int, j: Int, side: Int, size: Int): Int =
    minOf((i + 1) * size, (j + 1) * side) - maxOf(i * size, j * side)
