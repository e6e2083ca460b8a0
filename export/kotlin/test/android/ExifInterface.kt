package androidx.exifinterface.media

import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Stands in for AndroidX: reads the tag 0x0112 of a JPEG's first directory. */
class ExifInterface(stream: InputStream) {
    private val bytes = stream.readBytes()

    fun getAttributeInt(tag: String, otherwise: Int): Int {
        check(tag == TAG_ORIENTATION)
        val start = String(bytes, Charsets.ISO_8859_1).indexOf("Exif\u0000\u0000") + 6
        if (start < 6) return otherwise
        val tiff = ByteBuffer.wrap(bytes, start, bytes.size - start).slice()
        if (tiff.get(0) == 'I'.code.toByte()) tiff.order(ByteOrder.LITTLE_ENDIAN)
        val directory = tiff.getInt(4)
        val entries = List(tiff.getShort(directory).toInt()) { directory + 2 + 12 * it }
        val found = entries.find { tiff.getShort(it) == 0x0112.toShort() } ?: return otherwise
        return tiff.getShort(found + 8).toInt()
    }

    companion object {
        const val TAG_ORIENTATION = "Orientation"
        const val ORIENTATION_NORMAL = 1
    }
}
