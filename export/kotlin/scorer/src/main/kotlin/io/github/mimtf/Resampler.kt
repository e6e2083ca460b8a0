package io.github.mimtf

/** Largest side of a resampled image, in pixels. */
internal const val MAX_SIZE = 4096

/**
 * Resamples the centre square of an image by exact area average, row by row.
 *
 * The square has side N = min(width, height). In units of 1/S pixel, source pixel i covers [i S, (i + 1) S) and target
 * pixel j covers [j N, (j + 1) N); a weight is the length of their overlap. The result is rounded once:
 * `(2 sum + N²) div (2 N²)`. The object holds 36 S bytes of sums and the result of 3 S² bytes, so a photograph of any
 * size can be decoded in strips. Not thread-safe.
 *
 * An orientation is applied to the result, which is exact: the weights are symmetric, and [left] and [top] are those of
 * the square that becomes the centre square of the upright image.
 *
 * Example: `Resampler(4000, 3000, 192)` has `side` 3000, `left` 500 and `top` 0. It takes 3000 calls of [add], each with
 * the columns 500 to 3499 of a row.
 *
 * @param width of the stored image, in pixels.
 * @param height of the stored image, in pixels.
 * @param size side S of the result, in pixels, 1 to 4096.
 * @param orientation the EXIF value, as in [MimImage.upright].
 * @throws MimError the size or the number of pixels is out of range.
 */
class Resampler(width: Int, height: Int, private val size: Int, private val orientation: Int = 1) {
    /** Side N of the centre square, in pixels. */
    val side: Int = minOf(width, height)

    // If W - N is odd, the centre square of a mirrored image is one pixel nearer to the other end.
    /** First column of the square in the stored image. */
    val left: Int = (width - side).let { if (orientation in MIRRORS_COLUMNS) it - it / 2 else it / 2 }

    /** First row of the square in the stored image. */
    val top: Int = (height - side).let { if (orientation in MIRRORS_ROWS) it - it / 2 else it / 2 }

    private val area = side.toLong() * side
    /** Sums over the columns of a row, at most 255 N, which is below 2^31. */
    private val across = IntArray(3 * size.coerceIn(0, MAX_SIZE))
    /** Sums over the rows of a target row, at most 255 N², which exceeds 2^31 from N = 2902 on. */
    private val sums = LongArray(across.size)
    private val result: ByteArray
    private var row = 0

    init {
        if (size !in 1..MAX_SIZE) throw MimError("size", "$size px", "give 1 to $MAX_SIZE")
        if (width < 1 || height < 1) throw MimError("image", "$width x $height px", "give its own width and height")
        checkPixels(width, height)
        result = ByteArray(3 * size * size)
    }

    /**
     * Adds the next row of the square, from the top.
     *
     * @param rgb values R, G, B of pixels; 3 N of them are used.
     * @param first index of the red of the row's first pixel, which is that of the column [left].
     * @throws MimError there are too few values, or all rows were added before.
     */
    fun add(rgb: ByteArray, first: Int = 0) {
        if (first < 0 || first > rgb.size - 3 * side) {
            throw MimError("row", "${rgb.size - first} values for $side pixels", "give 3 for each pixel")
        }
        if (row == side) throw MimError("row", "the $side rows are complete", "begin a new image")
        for (x in 0 until size) sumColumns(rgb, first, x)
        for (j in first(row, size, side)..last(row, size, side)) {
            val weight = overlap(row, j, side, size).toLong()
            for (k in sums.indices) sums[k] += weight * across[k]
            if (row == last(j, side, size)) finishRow(j)
        }
        row++
    }

    /**
     * The resampled image, upright. It is complete after N rows.
     *
     * @return S x S pixels.
     * @throws MimError rows are missing.
     */
    fun image(): MimImage {
        if (row < side) throw MimError("image", "$row of $side rows", "add all rows of the square")
        return MimImage(size, size, result).upright(orientation)
    }

    private fun sumColumns(rgb: ByteArray, first: Int, x: Int) {
        val (from, to) = first(x, side, size) to last(x, side, size)
        // The pixels between the first and the last are covered fully.
        for (c in 0 until 3) {
            var covered = 0
            for (i in first + 3 * (from + 1) + c until first + 3 * to + c step 3) covered += rgb[i].toInt() and 255
            var sum = size * covered + overlap(from, x, side, size) * (rgb[first + 3 * from + c].toInt() and 255)
            if (to > from) sum += overlap(to, x, side, size) * (rgb[first + 3 * to + c].toInt() and 255)
            across[3 * x + c] = sum
        }
    }

    private fun finishRow(j: Int) {
        for (k in sums.indices) {
            result[3 * size * j + k] = ((2 * sums[k] + area) / (2 * area)).toByte()
            sums[k] = 0
        }
    }

    private companion object {
        /** Orientations whose upright image runs along the stored columns, or rows, from their end. */
        val MIRRORS_COLUMNS = setOf(2, 3, 7, 8)
        val MIRRORS_ROWS = setOf(3, 4, 6, 7)

        /** The first of `from` cells that overlaps cell j of `to` cells over the same length. */
        fun first(j: Int, from: Int, to: Int): Int = j * from / to

        fun last(j: Int, from: Int, to: Int): Int = ((j + 1) * from - 1) / to

        fun overlap(i: Int, j: Int, side: Int, size: Int): Int =
            minOf((i + 1) * size, (j + 1) * side) - maxOf(i * size, j * side)
    }
}

/**
 * Resamples the centre square of an image in memory; see [Resampler].
 *
 * Example: at size 1 the 2 x 2 image 0, 10, 20, 31 (in each channel) becomes (122 + 4) div 8 = 15.
 *
 * @param image an image of any size; an image smaller than [size] is enlarged by the same rule.
 * @param size side S of the result, in pixels, 1 to 4096.
 * @return S x S pixels.
 * @throws MimError the size is out of range.
 */
fun resample(image: MimImage, size: Int): MimImage = resampled(image, size).image()

/** A resampler with all rows of an image. */
internal fun resampled(image: MimImage, size: Int): Resampler = Resampler(image.width, image.height, size).apply {
    for (y in top until top + side) add(image.pixels, 3 * (y * image.width + left))
}
