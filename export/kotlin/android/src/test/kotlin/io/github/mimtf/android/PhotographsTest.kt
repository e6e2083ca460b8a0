package io.github.mimtf.android

import android.graphics.Bitmap.CompressFormat
import android.os.Build
import io.github.mimtf.Golden
import io.github.mimtf.MAX_PIXELS
import io.github.mimtf.Reason
import io.github.mimtf.decode
import io.github.mimtf.levels
import io.github.mimtf.resample
import java.io.ByteArrayInputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.sqrt
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.util.ReflectionHelpers

/** Android's own decoders (Skia with libjpeg-turbo, libpng and libwebp), which Robolectric runs on Linux. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PhotographsTest {
    private fun reason(open: () -> InputStream?): Reason =
        assertThrows(UnfitException::class.java) { decodePhotograph(8, open) }.reason

    private fun reason(content: ByteArray) = reason { ByteArrayInputStream(content) }

    private fun strips(content: ByteArray, pixels: Int): ByteArray =
        whole(content).let { minOf(it.width, it.height) }.let { side ->
            decodePhotograph(side, pixels) { ByteArrayInputStream(content) }.image().pixels
        }

    @Test
    fun goldenFilesAreUprightWithTheStoredValues() {
        var worst = 0
        for (entry in Golden.decoded) {
            val name = entry.getString("file")
            val upright = decode(Golden.file(entry.getString("expected")))
            val side = minOf(upright.width, upright.height)
            val found = decodePhotograph(side) { Golden.file(name).inputStream() }.image()
            val difference = levels(resample(upright, side).pixels, exchanged(found.pixels))
            // libpng takes the upper 8 of 16 bits and does not round.
            val tolerance = if (name == "grey16.png") 1 else entry.getInt("tolerance")
            assertTrue("$name: $difference levels", difference <= tolerance)
            worst = maxOf(worst, difference)
        }
        println("\ndecoded by Android: $worst levels at most")
    }

    @Test
    fun stripsDecodeLikeTheWhole() {
        for ((format, quality) in listOf(CompressFormat.JPEG to 90, CompressFormat.PNG to 0)) {
            for ((width, height) in listOf(301 to 200, 200 to 333, 177 to 177)) {
                val content = made(width, height, format, quality)
                val expected = resample(whole(content), minOf(width, height)).pixels
                for (pixels in listOf(1, 1000, 3000, 10_001, 1 shl 22)) {
                    assertArrayEquals("$format $width x $height, $pixels", expected, strips(content, pixels))
                }
            }
        }
        val picture = decode(Golden.file("lossless.webp.png"))
        val webp = decodePhotograph(40, 100) { Golden.file("lossless.webp").inputStream() }.image()
        assertArrayEquals(resample(picture, 40).pixels, exchanged(webp.pixels))
    }

    @Test
    fun orientationsOfStripsAreExact() {
        for ((width, height) in listOf(101 to 70, 70 to 101)) {
            val jpeg = made(width, height, CompressFormat.JPEG, 90)
            for (orientation in 1..8) {
                val expected = resample(whole(jpeg).upright(orientation), 70).pixels
                assertArrayEquals("$orientation", expected, strips(oriented(jpeg, orientation), 1000))
            }
        }
    }

    /** What is done where Android does not decode regions of a format. */
    @Test
    fun wholesDecodeLikeStrips() {
        for ((width, height) in listOf(301 to 200, 200 to 333)) {
            val content = oriented(made(width, height, CompressFormat.JPEG, 90), 6)
            val found = decodePhotograph(96, 1000, { null }) { ByteArrayInputStream(content) }
            assertArrayEquals(resample(whole(content).upright(6), 96).pixels, found.image().pixels)
        }
        val huge = header(15_000, 15_000)
        val error = assertThrows(UnfitException::class.java) {
            decodePhotograph(96, 1000, { null }) { ByteArrayInputStream(huge) }
        }
        assertEquals("it needs 900 MB of heap", Reason.TOO_LARGE, error.reason)
    }

    /** Before Android 8 the bitmap is in the Java heap too: 8 bytes a pixel, of which 6 are free here. */
    @Test
    fun wholesNeedTwiceTheHeapBeforeAndroid8() {
        System.gc()
        val free = Runtime.getRuntime().run { maxMemory() - totalMemory() + freeMemory() }
        val side = sqrt(free / 6.0).toInt()
        val version = Build.VERSION.SDK_INT
        ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", 25)
        try {
            val error = assertThrows(UnfitException::class.java) {
                decodePhotograph(96, 1000, { null }) { ByteArrayInputStream(header(side, side)) }
            }
            assertEquals(Reason.TOO_LARGE to null, error.reason to error.cause)
        } finally {
            ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", version)
        }
    }

    /** A small JPEG that states another size. */
    private fun header(height: Int, width: Int): ByteArray = made(16, 16, CompressFormat.JPEG, 80).also { jpeg ->
        val frame = jpeg.indices.first { jpeg[it] == 0xff.toByte() && jpeg[it + 1] == 0xc0.toByte() } + 5
        ByteBuffer.wrap(jpeg).putShort(frame, height.toShort()).putShort(frame + 2, width.toShort())
    }

    @Test
    fun whatCannotBeReadIsUnreadable() {
        val jpeg = made(100, 80, CompressFormat.JPEG, 80)
        assertEquals(Reason.UNREADABLE, reason(ByteArray(99)))
        assertEquals(Reason.UNREADABLE, reason(ByteArray(0)))
        for (size in listOf(100, 700, jpeg.size - 2)) assertEquals(Reason.UNREADABLE, reason(jpeg.copyOf(size)))
        val png = made(100, 80, CompressFormat.PNG, 0)
        assertEquals(Reason.UNREADABLE, reason(png.copyOf(png.size / 2)))
        assertEquals(Reason.UNREADABLE, reason { null })
        assertEquals(Reason.UNREADABLE, reason { throw FileNotFoundException() })
        assertEquals(Reason.UNREADABLE, reason { throw SecurityException() })
        for (error in listOf(IllegalStateException(), IllegalArgumentException(), NullPointerException())) {
            assertEquals("$error", Reason.UNREADABLE, reason { throw error })
        }
        // A format that Android decodes and the contract does not have.
        val bmp = ByteBuffer.allocate(58).order(ByteOrder.LITTLE_ENDIAN).put("BM".toByteArray()).putInt(58)
            .putInt(0).putInt(54).putInt(40).putInt(1).putInt(1).putShort(1).putShort(24).array()
        assertEquals(Reason.UNREADABLE, reason(bmp))
    }

    /** The size is in the first bytes, so nothing is decoded. */
    @Test
    fun moreThan250MegapixelsAreTooLarge() {
        assertEquals(250_000_000, MAX_PIXELS)
        assertEquals(Reason.TOO_LARGE, reason(header(15_812, 15_811)))
        val opened = mutableListOf<Int>()
        assertEquals(Reason.TOO_LARGE, reason { ByteArrayInputStream(header(60_000, 60_000)).also { opened += 1 } })
        assertEquals(1, opened.size)
    }

    @Test
    fun memoryThatEndsIsTooLarge() {
        assertEquals(Reason.TOO_LARGE, reason { throw OutOfMemoryError() })
    }
}
