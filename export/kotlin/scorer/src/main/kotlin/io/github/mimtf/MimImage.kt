package io.github.mimtf

import java.nio.ByteBuffer

/** Largest number of pixels of a photograph. A larger one is [Reason.TOO_LARGE]; read the size before you decode it. */
const val MAX_PIXELS = 250_000_000

/**
 * An RGB image of 8 bits, interleaved, in rows from the top.
 *
 * Example: `MimImage(2, 1, byteArrayOf(0, 0, 0, -1, -1, -1))` is a black pixel left of a white one.
 *
 * @property width in pixels, at least 1.
 * @property height in pixels, at least 1.
 * @property pixels 3 width height unsigned values, 0 to 255.
 * @throws MimError the number of values is wrong, or there are more than [MAX_PIXELS] pixels.
 */
class MimImage(val width: Int, val height: Int, val pixels: ByteArray) {
    init {
        check(width, height, pixels.size, 3)
    }

    /**
     * Applies an EXIF orientation.
     *
     * Example: the row `a b` (2 x 1) becomes the column `a` above `b` (1 x 2) with orientation 6, and `b a` with 3.
     *
     * @param orientation the EXIF value, 1 to 8. Other values, such as 0 for none, do not change the image.
     * @return the upright image; 5 to 8 swap width and height.
     */
    fun upright(orientation: Int): MimImage {
        if (orientation !in 2..8) return this
        val swapped = orientation >= 5
        val turned = ByteArray(pixels.size)
        var target = 0
        for (y in 0 until if (swapped) width else height) {
            for (x in 0 until if (swapped) height else width) {
                val row = when (orientation) {
                    2 -> y
                    3, 4 -> height - 1 - y
                    5, 8 -> x
                    else -> height - 1 - x
                }
                val column = when (orientation) {
                    2, 3 -> width - 1 - x
                    4 -> x
                    5, 6 -> y
                    else -> width - 1 - y
                }
                val source = 3 * (row * width + column)
                for (c in 0 until 3) turned[target++] = pixels[source + c]
            }
        }
        return if (swapped) MimImage(height, width, turned) else MimImage(width, height, turned)
    }

    /**
     * The input of the measure: pixel / 255.
     *
     * @return 3 width height values in [0, 1]; 51 becomes 0.2.
     */
    fun toFloats(): FloatArray = FloatArray(pixels.size) { (pixels[it].toInt() and 255) / 255f }

    companion object {
        /**
         * The image of values in [0, 1], such as an inpainting: floor(255 y + 0.5).
         *
         * @param values 3 width height values; 100/256 becomes 100.
         */
        fun fromFloats(values: FloatArray, width: Int, height: Int): MimImage {
            val pixels = ByteArray(values.size) { (255f * values[it] + 0.5f).toInt().coerceIn(0, 255).toByte() }
            return MimImage(width, height, pixels)
        }
    }
}

/**
 * Composites pixels over white: `(c a + 255 (255 - a) + 127) div 255`.
 *
 * Example: `0x80ff0000` (half transparent red) becomes 255, 127, 127.
 *
 * @param argb width height pixels, not premultiplied, as from `Bitmap.getPixels`.
 * @throws MimError the number of pixels is wrong.
 */
fun overWhite(argb: IntArray, width: Int, height: Int): MimImage {
    check(width, height, argb.size, 1)
    val rgb = ByteArray(3 * argb.size)
    for ((i, pixel) in argb.withIndex()) {
        for (c in 0 until 3) rgb[3 * i + c] = overWhite(pixel shr (16 - 8 * c) and 255, pixel ushr 24)
    }
    return MimImage(width, height, rgb)
}

/**
 * Composites the bytes R, G, B, A, not premultiplied, over white. `Bitmap.copyPixelsToBuffer` returns them in this
 * order for `ARGB_8888`.
 *
 * Example: the bytes 255, 0, 0, 128 become 255, 127, 127.
 *
 * @param rgba 4 width height values.
 * @throws MimError the number of values is wrong.
 */
fun overWhite(rgba: ByteArray, width: Int, height: Int): MimImage {
    check(width, height, rgba.size, 4)
    val rgb = ByteArray(rgba.size / 4 * 3)
    overWhite(rgba, 0, rgb)
    return MimImage(width, height, rgb)
}

/**
 * Composites some of the bytes R, G, B, A over white, such as a row of a bitmap.
 *
 * Example: the bytes 255, 0, 0, 128 become 255, 127, 127.
 *
 * @param rgba pixels, not premultiplied.
 * @param first index of the first red.
 * @param rgb receives the values; its size determines the number of pixels.
 * @throws MimError there are too few bytes.
 */
fun overWhite(rgba: ByteArray, first: Int, rgb: ByteArray) {
    val count = rgb.size / 3
    if (first < 0 || first > rgba.size - 4 * count) {
        throw MimError("pixels", "${rgba.size - first} bytes for $count", "give 4 for each")
    }
    for (i in 0 until count) {
        val source = first + 4 * i
        val alpha = rgba[source + 3].toInt() and 255
        for (c in 0 until 3) rgb[3 * i + c] = overWhite(rgba[source + c].toInt() and 255, alpha)
    }
}

private fun overWhite(value: Int, alpha: Int): Byte =
    if (alpha == 255) value.toByte() else ((value * alpha + 255 * (255 - alpha) + 127) / 255).toByte()

/**
 * One plane of a `YUV_420_888` image.
 *
 * @property bytes the values, from index 0 on; direct or not. Its position is ignored.
 * @property rowStride bytes from one row to the next.
 * @property pixelStride bytes from one value of a row to the next; 2 if U and V are interleaved.
 */
class YuvPlane(val bytes: ByteBuffer, val rowStride: Int, val pixelStride: Int) {
    internal fun check(name: String, width: Int, height: Int) {
        val row = (width - 1L) * pixelStride
        val whole = (height - 1L) * rowStride + row < bytes.limit()
        if (width < 1 || height < 1 || pixelStride < 1 || row >= rowStride || !whole) {
            throw MimError("plane $name", "not of $width x $height values", "give the camera's own planes and strides")
        }
    }

    internal fun value(row: Int, column: Int): Int = bytes.get(row * rowStride + column * pixelStride).toInt() and 255
}

/**
 * Converts a camera's `YUV_420_888` image to upright RGB: full-range BT.601 (JFIF), the format of Android's cameras.
 * One chroma value serves the four pixels of a 2 x 2 block.
 *
 * Example: Y = 76, U = 85, V = 255 is red, 254, 0, 0.
 *
 * @param y plane of width x height values.
 * @param u plane of half that width and height, rounded up.
 * @param v like [u].
 * @param width width of the plane [y], before rotation, in pixels.
 * @param height height of the plane [y], before rotation, in pixels.
 * @param rotationDegrees clockwise rotation that makes it upright: 0, 90, 180 or 270, as in CameraX's `ImageInfo`.
 * @throws MimError a plane is too short, the rotation is invalid, or there are more than [MAX_PIXELS] pixels.
 */
fun yuvToRgb(y: YuvPlane, u: YuvPlane, v: YuvPlane, width: Int, height: Int, rotationDegrees: Int): MimImage {
    val orientation = mapOf(0 to 1, 90 to 6, 180 to 3, 270 to 8)[rotationDegrees]
        ?: throw MimError("rotation", "$rotationDegrees degrees", "give 0, 90, 180 or 270")
    y.check("y", width, height)
    u.check("u", (width + 1) / 2, (height + 1) / 2)
    v.check("v", (width + 1) / 2, (height + 1) / 2)
    checkPixels(width, height)
    val rgb = ByteArray(3 * width * height)
    var target = 0
    for (row in 0 until height) {
        for (column in 0 until width) {
            // 1.402, 0.344136, 0.714136 and 1.772 in units of 1/65536; the half is for rounding.
            val luma = (y.value(row, column) shl 16) + 32768
            val blue = u.value(row / 2, column / 2) - 128
            val red = v.value(row / 2, column / 2) - 128
            rgb[target++] = (luma + 91881 * red shr 16).coerceIn(0, 255).toByte()
            rgb[target++] = (luma - 22554 * blue - 46802 * red shr 16).coerceIn(0, 255).toByte()
            rgb[target++] = (luma + 116130 * blue shr 16).coerceIn(0, 255).toByte()
        }
    }
    return MimImage(width, height, rgb).upright(orientation)
}

private fun check(width: Int, height: Int, values: Int, channels: Int) {
    val pixels = width.toLong() * height
    if (width < 1 || height < 1 || channels * pixels != values.toLong()) {
        throw MimError("image", "$values values for $width x $height pixels", "give its own width and height")
    }
    checkPixels(width, height)
}

/** @throws MimError there are more than [MAX_PIXELS] pixels. */
internal fun checkPixels(width: Int, height: Int) {
    if (width.toLong() * height > MAX_PIXELS) {
        throw MimError("image", "$width x $height are more than $MAX_PIXELS pixels", "shrink the image")
    }
}
