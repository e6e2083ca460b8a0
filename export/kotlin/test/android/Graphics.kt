/** Stands in for Android: decodes by ImageIO, without orientation. */
package android.graphics

import java.io.InputStream
import java.nio.Buffer
import java.nio.ByteBuffer
import javax.imageio.ImageIO

class Rect

class Bitmap(val width: Int, val height: Int, private val rgba: ByteArray) {
    private var recycled = false
    val byteCount = rgba.size

    fun copyPixelsToBuffer(target: Buffer) {
        check(!recycled)
        (target as ByteBuffer).put(rgba)
    }

    fun recycle() {
        recycled = true
    }
}

object BitmapFactory {
    class Options {
        @JvmField var inJustDecodeBounds = false
        @JvmField var inPremultiplied = true
        @JvmField var outWidth = 0
        @JvmField var outHeight = 0
    }

    /** Null where the stream is no image, or only its size was asked for; -1 is the size of what is none. */
    fun decodeStream(stream: InputStream, padding: Rect?, options: Options): Bitmap? {
        val images = ImageIO.createImageInputStream(stream)
        val reader = ImageIO.getImageReaders(images).asSequence().firstOrNull()
        options.outWidth = -1
        options.outHeight = -1
        if (padding != null || reader == null) return null
        reader.input = images
        options.outWidth = reader.getWidth(0)
        options.outHeight = reader.getHeight(0)
        if (options.inJustDecodeBounds) return null
        check(!options.inPremultiplied) { "colours would be multiplied by alpha" }
        val found = reader.read(0)
        val argb = found.getRGB(0, 0, found.width, found.height, null, 0, found.width)
        val rgba = ByteArray(4 * argb.size) { (argb[it / 4] shr intArrayOf(16, 8, 0, 24)[it % 4]).toByte() }
        return Bitmap(found.width, found.height, rgba)
    }
}
