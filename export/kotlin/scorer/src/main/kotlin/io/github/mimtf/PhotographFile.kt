package io.github.mimtf

import java.io.EOFException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/**
 * What a photograph's file says beside its pixels, and that it is whole: image decoders show the missing part of a
 * truncated file as grey or black, without an error.
 *
 * @property width of the stored image, in pixels.
 * @property height of the stored image, in pixels.
 * @property orientation the EXIF orientation, 1 to 8; 1 if there is none or it is damaged.
 */
class PhotographFile internal constructor(val width: Int, val height: Int, val orientation: Int) {
    companion object {
        /**
         * Reads a JPEG, PNG or WebP file from its start to the end of its image, without decoding it. The compressed
         * data of a PNG are inflated, to count them.
         *
         * Example: a photograph of 4000 x 3000 px taken upright with a phone has usually `width` 4000, `height` 3000 and
         * `orientation` 6.
         *
         * @param stream the file; not closed.
         * @throws MimError it is not JPEG, PNG or WebP, is truncated, or has more than 64 scans.
         * @throws IOException it cannot be read.
         */
        fun read(stream: InputStream): PhotographFile {
            val source = Source(stream)
            try {
                when (latin(source.bytes(2))) {
                    "\u00ff\u00d8" -> return Jpeg(source).read()
                    "\u0089P" -> if (latin(source.bytes(6)) == "NG\r\n\u001a\n") return Png(source).read()
                    "RI" -> {
                        val start = source.bytes(10)
                        if (latin(start, 0, 2) + latin(start, 6, 4) == "FFWEBP") return webp(source, little(start, 2))
                    }
                }
                throw MimError(SUBJECT, "not JPEG, PNG or WebP", "save it as JPEG")
            } catch (error: EOFException) {
                throw damaged("ends too early")
            } catch (error: DataFormatException) {
                throw damaged("has damaged image data")
            }
        }
    }
}

private const val SUBJECT = "photograph"
private const val MAX_SCANS = 64
/** EXIF data with more bytes are ignored: a file may say that it has 4 GB. */
private const val LONGEST_EXIF = 16_000_000

private fun damaged(problem: String) = MimError(SUBJECT, problem, "choose another photograph")

private fun latin(bytes: ByteArray, first: Int = 0, count: Int = bytes.size) =
    String(bytes, first, count, Charsets.ISO_8859_1)

private fun little(bytes: ByteArray, first: Int) = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(first)

private fun unsigned(value: Int): Long = value.toLong() and 0xffffffffL

private fun isExif(body: ByteArray) = body.size >= 6 && latin(body, 0, 6) == "Exif\u0000\u0000"

/** A stream that is read once; its end is an [EOFException]. */
private class Source(private val stream: InputStream) {
    private val block = ByteArray(1 shl 16)
    private var position = 0
    private var end = 0

    fun byte(): Int {
        if (position == end) fill()
        return block[position++].toInt() and 255
    }

    fun bytes(count: Int): ByteArray {
        val target = ByteArray(count)
        pieces(count.toLong()) { from, first, size, done -> from.copyInto(target, done.toInt(), first, first + size) }
        return target
    }

    fun skip(count: Long) = pieces(count) { _, _, _, _ -> }

    /** Gives the next bytes in pieces: an array, first index, size, and how many bytes came before. */
    inline fun pieces(count: Long, use: (ByteArray, Int, Int, Long) -> Unit) {
        var done = 0L
        while (done < count) {
            if (position == end) fill()
            val size = minOf(count - done, (end - position).toLong()).toInt()
            use(block, position, size, done)
            position += size
            done += size
        }
    }

    private fun fill() {
        position = 0
        end = stream.read(block)
        if (end < 1) {
            end = 0
            throw EOFException()
        }
    }
}

/** The source begins after the first marker, 0xFFD8. */
private class Jpeg(private val source: Source) {
    private var exif: ByteArray? = null
    private var frame: ByteArray? = null
    private var scans = 0

    fun read(): PhotographFile {
        do {
            // In image data, 0xFF00 is a value, and 0xFFD0 to 0xFFD7 are restart markers.
            val marker = marker()
            if (marker == START) throw damaged("has a second image before its data")
            if (marker != END && marker != 1 && marker !in RESTARTS) segment(marker)
        } while (marker != END)
        val size = frame?.let { ByteBuffer.wrap(it) }
        if (size == null || scans == 0) throw damaged("has no image data")
        val (height, width) = List(2) { size.getShort(1 + 2 * it).toInt() and 0xffff }
        return PhotographFile(width, height, orientation(exif ?: ByteArray(0)))
    }

    private fun marker(): Int {
        while (true) {
            while (source.byte() != 0xff) Unit
            var found = source.byte()
            while (found == 0xff) found = source.byte()
            if (found != 0) return found
        }
    }

    private fun segment(marker: Int) {
        val length = (source.byte() shl 8) + source.byte() - 2
        if (length < 0) throw EOFException()
        if (marker == START_OF_SCAN && ++scans > MAX_SCANS) throw damaged("has more than $MAX_SCANS scans")
        when {
            marker == APP1 && exif == null -> source.bytes(length).let { body ->
                if (isExif(body)) exif = body
            }
            marker in FRAMES && frame == null && length >= 5 -> frame = source.bytes(length)
            else -> source.skip(length.toLong())
        }
    }

    private companion object {
        const val START = 0xd8
        const val END = 0xd9
        const val START_OF_SCAN = 0xda
        const val APP1 = 0xe1
        val RESTARTS = 0xd0..0xd7
        /** 0xC4, 0xC8 and 0xCC are tables. */
        val FRAMES = (0xc0..0xcf) - setOf(0xc4, 0xc8, 0xcc)
    }
}

/** The source begins after the signature. */
private class Png(private val source: Source) {
    private var header: ByteArray? = null
    private var exif = ByteArray(0)
    private val inflater = Inflater()
    private val inflated = ByteArray(1 shl 16)
    /** Bytes of rows that are still missing. */
    private var missing = 0L

    fun read(): PhotographFile = try {
        while (header == null || missing > 0) chunk()
        restOfChunks()
        val (width, height) = List(2) { number(4 * it) }
        PhotographFile(width, height, orientation(exif))
    } finally {
        inflater.end()
    }

    /** The rows are complete, so a file that ends within the following chunks is whole. They may have EXIF data. */
    private fun restOfChunks() = try {
        while (chunk() != "IEND") Unit
    } catch (error: EOFException) {
        // nothing more
    }

    private fun chunk(): String {
        val head = source.bytes(8)
        val length = unsigned(ByteBuffer.wrap(head).getInt(0))
        val kind = latin(head, 4, 4)
        when {
            kind == "IHDR" && header == null && length == 13L -> header = source.bytes(13).also { size(it) }
            header == null || kind == "IEND" && missing > 0 -> throw damaged("has no image data")
            kind == "IDAT" -> source.pieces(length) { bytes, first, size, _ -> inflate(bytes, first, size) }
            kind == "eXIf" && exif.isEmpty() && length <= LONGEST_EXIF -> {
                val body = source.bytes(length.toInt())
                val sum = CRC32().apply { update(head, 4, 4) }.apply { update(body) }.value
                val stated = unsigned(ByteBuffer.wrap(source.bytes(4)).getInt())
                if (sum == stated) exif = body
                return kind
            }
            else -> source.skip(length)
        }
        source.skip(4)
        return kind
    }

    private fun inflate(bytes: ByteArray, first: Int, size: Int) {
        inflater.setInput(bytes, first, size)
        while (missing > 0 && !inflater.finished() && !inflater.needsInput()) {
            if (inflater.needsDictionary()) throw DataFormatException()
            missing -= inflater.inflate(inflated, 0, minOf(missing, inflated.size.toLong()).toInt())
        }
        if (missing > 0 && inflater.finished()) throw EOFException()
    }

    private fun number(first: Int) = ByteBuffer.wrap(header!!).getInt(first)

    /** Counts the bytes of all rows, of which each has one more for its filter. */
    private fun size(header: ByteArray) {
        val (width, height) = List(2) { ByteBuffer.wrap(header).getInt(4 * it) }
        val samples = mapOf(0 to 1, 2 to 3, 3 to 1, 4 to 2, 6 to 4)[header[9].toInt()]
        if (samples == null || header[8] !in listOf<Byte>(1, 2, 4, 8, 16) || width < 1 || height < 1) {
            throw damaged("has an invalid header")
        }
        val bits = (samples * header[8]).toLong()
        val passes = if (header[12].toInt() == 1) ADAM7 else listOf(listOf(0, 0, 1, 1))
        for ((left, top, across, down) in passes) {
            val columns = (width.toLong() - left + across - 1) / across
            val rows = (height.toLong() - top + down - 1) / down
            if (columns < 1 || rows < 1) continue
            val row = 1 + (columns * bits + 7) / 8
            if (row > (Long.MAX_VALUE - missing) / rows) throw damaged("has an invalid header")
            missing += rows * row
        }
    }

    private companion object {
        /** First column, first row, and steps between columns and rows of the passes of an interlaced PNG. */
        val ADAM7 = listOf(
            listOf(0, 0, 8, 8), listOf(4, 0, 8, 8), listOf(0, 4, 4, 8), listOf(2, 0, 4, 4),
            listOf(0, 2, 2, 4), listOf(1, 0, 2, 2), listOf(0, 1, 1, 2),
        )
    }
}

/** The source begins after the first 12 bytes, which say that [stated] bytes follow the first 8. */
private fun webp(source: Source, stated: Int): PhotographFile {
    var rest = unsigned(stated) - 4
    var size: Pair<Int, Int>? = null
    var flags = 0
    var exif = ByteArray(0)
    while (rest >= 8) {
        val head = source.bytes(8)
        val kind = latin(head, 0, 4)
        val length = unsigned(little(head, 4))
        rest -= 8 + length + length % 2
        if (rest < 0) throw EOFException()
        val wanted = when (kind) {
            "EXIF" -> if (flags and EXIF_FLAG != 0 && exif.isEmpty() && length <= LONGEST_EXIF) length.toInt() else 0
            "VP8X", "VP8 ", "VP8L" -> minOf(length, 10L).toInt()
            else -> 0
        }
        val body = source.bytes(wanted)
        source.skip(length + length % 2 - wanted)
        if (kind == "EXIF") {
            if (wanted > 0) exif = body
        } else if (wanted > 0 && size == null) {
            size = webpSize(kind, body)
            if (kind == "VP8X") flags = body[0].toInt()
        }
    }
    if (size == null) throw damaged("has no image data")
    return PhotographFile(size.first, size.second, orientation(exif))
}

private const val EXIF_FLAG = 8

private fun webpSize(kind: String, body: ByteArray): Pair<Int, Int> {
    if (body.size < if (kind == "VP8L") 5 else 10) throw EOFException()
    return when (kind) {
        "VP8X" -> Pair(1 + (little(body, 4) and 0xffffff), 1 + (little(body, 6) ushr 8))
        "VP8 " -> little(body, 6).let { Pair(it and 0x3fff, it shr 16 and 0x3fff) }
        else -> little(body, 1).let { Pair(1 + (it and 0x3fff), 1 + (it shr 14 and 0x3fff)) }
    }
}

/** The EXIF orientation of a TIFF block: entry 0x0112 of its first directory, if it is one BYTE, SHORT or LONG. */
private fun orientation(exif: ByteArray): Int = try {
    val tiff = ByteBuffer.wrap(if (isExif(exif)) exif.copyOfRange(6, exif.size) else exif)
    when (tiff.getInt(0)) {
        0x49492a00 -> entry(tiff.order(ByteOrder.LITTLE_ENDIAN))
        0x4d4d002a -> entry(tiff)
        else -> 1
    }
} catch (error: IndexOutOfBoundsException) { // the directory ends outside of the block
    1
}

private fun entry(tiff: ByteBuffer): Int {
    val directory = tiff.getInt(4)
    val count = tiff.getShort(directory).toInt() and 0xffff
    for (place in 0 until count) {
        val first = directory + 2 + 12 * place
        val (tag, type) = List(2) { tiff.getShort(first + 2 * it).toInt() }
        if (tag != 0x0112) continue
        if (tiff.getInt(first + 4) != 1) return 1
        val value = when (type) {
            1 -> tiff.get(first + 8).toInt()
            3 -> tiff.getShort(first + 8).toInt()
            4 -> tiff.getInt(first + 8)
            else -> 1
        }
        return if (value in 1..8) value else 1
    }
    return 1
}
