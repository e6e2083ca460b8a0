package io.github.mimtf.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import io.github.mimtf.ExplainOutputs
import io.github.mimtf.MimImage
import io.github.mimtf.Outputs
import io.github.mimtf.Runner
import io.github.mimtf.overWhite
import java.io.ByteArrayOutputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import kotlin.random.Random

/** A picture of two gradients and noise, encoded by Android. */
fun made(width: Int, height: Int, format: Bitmap.CompressFormat, quality: Int): ByteArray =
    ByteArrayOutputStream().also { made(width, height, format, quality, it) }.toByteArray()

/** The same, written to a stream. */
fun made(width: Int, height: Int, format: Bitmap.CompressFormat, quality: Int, stream: OutputStream) {
    val noise = Random(width).nextBytes(1 shl 12)
    val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    val row = IntArray(width)
    for (y in 0 until height) {
        val green = y * 255 / height shl 8
        for (x in 0 until width) {
            val blue = noise[x + 61 * y and 4095].toInt() and 127
            row[x] = -0x1000000 or (x * 255 / width shl 16) or green or blue
        }
        bitmap.setPixels(row, 0, width, 0, y, width, 1)
    }
    check(bitmap.compress(format, quality, stream))
    bitmap.recycle()
}

/** A JPEG with an orientation. */
fun oriented(jpeg: ByteArray, orientation: Int): ByteArray {
    val tiff = ByteBuffer.allocate(26).put("MM".toByteArray()).putShort(42).putInt(8)
        .putShort(1).putShort(0x0112).putShort(3).putInt(1).putShort(orientation.toShort()).array()
    val exif = "Exif\u0000\u0000".toByteArray() + tiff
    val segment = ByteBuffer.allocate(4 + exif.size).putShort(0xffe1.toShort()).putShort((exif.size + 2).toShort()).put(exif)
    return jpeg.copyOf(2) + segment.array() + jpeg.copyOfRange(2, jpeg.size)
}

/** The stored pixels of a file, decoded as a whole. */
fun whole(content: ByteArray): MimImage {
    val options = BitmapFactory.Options().apply { inPremultiplied = false }
    val bitmap = BitmapFactory.decodeByteArray(content, 0, content.size, options)
    val rgba = ByteBuffer.allocate(bitmap.byteCount).also { bitmap.copyPixelsToBuffer(it) }
    return overWhite(rgba.array(), bitmap.width, bitmap.height)
}

/**
 * Exchanges red and blue: Robolectric's bitmaps have the bytes B, G, R, A, because Skia has this order on Linux. Those of
 * Android have R, G, B, A, as the documentation of `Bitmap.Config.ARGB_8888` says.
 */
fun exchanged(rgb: ByteArray) = ByteArray(rgb.size) { rgb[it - it % 3 + 2 - it % 3] }

/** Gives the model the colours of Android. */
class Exchanging(private val runner: Runner) : Runner {
    override fun verdict(image: ByteArray): Outputs = runner.verdict(exchanged(image))

    override fun explain(image: ByteArray): ExplainOutputs = runner.explain(exchanged(image))
}
