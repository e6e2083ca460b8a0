package io.github.mimtf

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import kotlin.random.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class PhotographFileTest {
    private fun read(content: ByteArray) = PhotographFile.read(ByteArrayInputStream(content))

    private fun golden(name: String) = Golden.file(name).readBytes()

    /** A TIFF block with one entry. */
    private fun tiff(order: ByteOrder, tag: Int, type: Int, count: Int, value: ByteBuffer.() -> Unit): ByteArray =
        ByteBuffer.allocate(26).order(order).apply {
            put(if (order == ByteOrder.LITTLE_ENDIAN) "II".toByteArray() else "MM".toByteArray())
            putShort(42).putInt(8).putShort(1).putShort(tag.toShort()).putShort(type.toShort()).putInt(count).value()
        }.array()

    private fun chunk(kind: String, body: ByteArray, damage: Int = 0): ByteArray {
        val sum = CRC32().apply { update(kind.toByteArray()) }.apply { update(body) }.value.toInt() + damage
        return ByteBuffer.allocate(12 + body.size).putInt(body.size).put(kind.toByteArray()).put(body).putInt(sum).array()
    }

    /** The golden PNG with EXIF data after its header. */
    private fun png(exif: ByteArray, damage: Int = 0): ByteArray {
        val content = golden("grey.png")
        return content.copyOf(33) + chunk("eXIf", exif, damage) + content.copyOfRange(33, content.size)
    }

    @Test
    fun goldenFilesAreWholeAndHaveTheirOrientation() {
        assertEquals(18, Golden.decoded.size)
        for (entry in Golden.decoded) {
            val name = entry.getString("file")
            val orientation = Regex("exif_(\\d)").find(name)?.groupValues?.get(1)?.toInt() ?: 1
            val found = read(golden(name))
            assertEquals(name, orientation, found.orientation)
            val upright = decode(Golden.file(entry.getString("expected")))
            val (width, height) = if (orientation >= 5) found.height to found.width else found.width to found.height
            assertEquals(name, upright.width to upright.height, width to height)
        }
    }

    @Test
    fun filesThatEndEarlyAreDamaged() {
        for (name in listOf("exif_6.jpg", "grey.png", "grey16.png", "alpha.png", "lossless.webp")) {
            val content = golden(name)
            // What follows the last row of a PNG is not needed.
            val whole = if (name.endsWith("png")) content.size - 64 else content.size
            for (size in (0 until whole).filter { it < 64 || it % 97 == 0 || it > whole - 4 }) {
                assertTrue(refusal { read(content.copyOf(size)) }.startsWith("photograph: "))
            }
        }
        val expected = "photograph: ends too early; choose another photograph"
        assertEquals(expected, refusal { read(golden("exif_1.jpg").copyOf(2000)) })
    }

    /** The bytes of the rows of the largest PNG do not fit into 64 bits. */
    @Test
    fun headersOfTheLargestSizeDoNotOverflow() {
        for (interlaced in 0..1) {
            val header = ByteBuffer.allocate(13).putInt(Int.MAX_VALUE).putInt(Int.MAX_VALUE)
                .put(byteArrayOf(16, 6, 0, 0, interlaced.toByte())).array()
            val content = golden("grey.png").copyOf(8) + chunk("IHDR", header) + chunk("IEND", ByteArray(0))
            assertEquals("photograph: has an invalid header; choose another photograph", refusal { read(content) })
        }
    }

    /** Bytes and blocks of a file that are changed, removed or repeated end in a result or in one line. */
    @Test
    fun damagedFilesNeverCrash() {
        val random = Random(0)
        for (name in listOf("exif_6.jpg", "palette_alpha.png", "lossless.webp")) {
            repeat(300) {
                val content = golden(name)
                repeat(random.nextInt(1, 8)) { content[random.nextInt(minOf(content.size, 1000))] = random.nextInt().toByte() }
                runCatching { read(content) }.exceptionOrNull()?.let { assertTrue("$it", it is MimError) }
            }
        }
    }

    @Test
    fun orientationIsOneIntegerFromOneToEight() {
        for (order in listOf(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
            val short = { value: Int -> tiff(order, 0x0112, 3, 1) { putShort(value.toShort()) } }
            for (value in 1..8) assertEquals(value, read(png(short(value))).orientation)
            for (value in listOf(0, 9, -1, 262)) assertEquals(1, read(png(short(value))).orientation)
            assertEquals(6, read(png(tiff(order, 0x0112, 1, 1) { put(6) })).orientation)
            assertEquals(6, read(png(tiff(order, 0x0112, 4, 1) { putInt(6) })).orientation)
            assertEquals(1, read(png(tiff(order, 0x0112, 2, 1) { put(6) })).orientation)
            assertEquals(1, read(png(tiff(order, 0x0112, 3, 2) { putShort(6) })).orientation)
            assertEquals(1, read(png(tiff(order, 0x0113, 3, 1) { putShort(6) })).orientation)
            assertEquals(1, read(png(short(6).copyOf(19))).orientation)
            assertEquals(1, read(png(short(6), damage = 1)).orientation)
        }
    }

    @Test
    fun orientationOfWebp() {
        val exif = tiff(ByteOrder.LITTLE_ENDIAN, 0x0112, 3, 1) { putShort(8) }
        for ((flag, orientation) in listOf(8 to 8, 0 to 1)) {
            val content = ByteArrayOutputStream().apply {
                fun chunk(kind: String, body: ByteArray) {
                    write(kind.toByteArray())
                    write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(body.size).array())
                    write(body)
                }
                chunk("VP8X", byteArrayOf(flag.toByte(), 0, 0, 0, 9, 0, 0, 4, 1, 0))
                chunk("EXIF", exif)
            }.toByteArray()
            val head = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN)
            head.put("RIFF".toByteArray()).putInt(content.size + 4).put("WEBP".toByteArray())
            val found = read(head.array() + content)
            assertEquals(listOf(10, 261, orientation), listOf(found.width, found.height, found.orientation))
        }
    }

    @Test
    fun otherFormatsAndTooManyScansAreRefused() {
        val expected = "photograph: not JPEG, PNG or WebP; save it as JPEG"
        assertEquals(expected, refusal { read("GIF89a and more".toByteArray()) })
        val scan = byteArrayOf(-1, 0xda.toByte(), 0, 2)
        val frame = byteArrayOf(-1, 0xc0.toByte(), 0, 8, 8, 0, 3, 0, 4, 1)
        val (start, end) = byteArrayOf(-1, 0xd8.toByte()) to byteArrayOf(-1, 0xd9.toByte())
        val jpeg = { scans: Int -> start + frame + List(scans) { scan }.fold(ByteArray(0)) { a, b -> a + b } + end }
        assertEquals(listOf(4, 3), read(jpeg(64)).run { listOf(width, height) })
        assertEquals("photograph: has more than 64 scans; choose another photograph", refusal { read(jpeg(65)) })
        assertEquals("photograph: has no image data; choose another photograph", refusal { read(jpeg(0)) })
    }
}
