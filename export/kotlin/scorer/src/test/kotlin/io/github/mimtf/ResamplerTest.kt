package io.github.mimtf

import java.util.zip.CRC32
import kotlin.random.Random
import kotlin.system.measureNanoTime
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class ResamplerTest {
    /** A picture that any language can make: (3 y² + 7 x + 101 c + (y x div 16)) mod 256. */
    private fun made(width: Int, height: Int) = MimImage(width, height, ByteArray(3 * width * height) {
        val y = it / 3 / width
        val x = it / 3 % width
        (3 * y * y + 7 * x + 101 * (it % 3) + (y * x shr 4)).toByte()
    })

    private fun crc(image: MimImage) = CRC32().apply { update(image.pixels) }.value

    /** Checksums of what `resample` in `export/score/preprocess.py` gives. */
    @Test
    fun twelveMegapixelsAreExact() {
        val portrait = made(3024, 4032)
        assertEquals(21990648L, crc(resample(portrait, 192)))
        assertEquals(1087375915L, crc(resample(made(4032, 3024), 224)))
        val times = List(5) { measureNanoTime { resample(portrait, 192) } / 1_000_000 }.sorted()
        println("\nresample, 3024 x 4032 to 192 x 192: ${times[2]} ms (median of 5)")
    }

    @Test
    fun enlargingIsExact() = assertEquals(3856103943L, crc(resample(made(50, 71), 96)))

    @Test
    fun sumsOfWhiteDoNotOverflow() {
        val white = MimImage(3025, 4033, ByteArray(3 * 3025 * 4033) { -1 })
        assertTrue(resample(white, 192).pixels.all { it == (-1).toByte() })
    }

    /** The largest square of [MAX_PIXELS], in which the sums are the largest. */
    @Test
    fun sumsOfTheLargestSquareDoNotOverflow() {
        val white = ByteArray(3 * 15_811) { -1 }
        val resampler = Resampler(15_811, 15_811, 192)
        repeat(15_811) { resampler.add(white) }
        assertTrue(resampler.image().pixels.all { it == (-1).toByte() })
        val expected = "image: 15812 x 15811 are more than 250000000 pixels; shrink the image"
        assertEquals(expected, refusal { Resampler(15_812, 15_811, 192) })
    }

    /** Turning the result gives the same as turning the image before, whether the centre is between pixels or not. */
    @Test
    fun orientationsAreExactInStrips() {
        val random = Random(2)
        repeat(40) {
            val (width, height) = Pair(random.nextInt(1, 40), random.nextInt(1, 40))
            val image = MimImage(width, height, random.nextBytes(3 * width * height))
            val size = random.nextInt(1, 24)
            for (orientation in 0..9) {
                val resampler = Resampler(width, height, size, orientation)
                for (y in 0 until resampler.side) {
                    val first = 3 * ((resampler.top + y) * width + resampler.left)
                    // Alternately from the whole image and from a copy of the row's part in the square.
                    val row = image.pixels.copyOfRange(first, first + 3 * resampler.side)
                    if (y % 2 == 0) resampler.add(image.pixels, first) else resampler.add(row)
                }
                val expected = resample(image.upright(orientation), size)
                val name = "$width x $height to $size, orientation $orientation"
                assertArrayEquals(name, expected.pixels, resampler.image().pixels)
            }
        }
    }

    @Test
    fun wrongRowsAreRefused() {
        val resampler = Resampler(3, 2, 4)
        assertEquals("image: 0 of 2 rows; add all rows of the square", refusal { resampler.image() })
        assertEquals("row: 5 values for 2 pixels; give 3 for each pixel", refusal { resampler.add(ByteArray(5)) })
        refusal { resampler.add(ByteArray(6), 1) }
        refusal { resampler.add(ByteArray(6), -1) }
        repeat(2) { resampler.add(ByteArray(6)) }
        assertEquals("row: the 2 rows are complete; begin a new image", refusal { resampler.add(ByteArray(6)) })
        refusal { Resampler(0, 2, 4) }
    }

    @Test
    fun workedExamples() {
        val four = MimImage(2, 2, byteArrayOf(0, 0, 0, 10, 10, 10, 20, 20, 20, 31, 31, 31))
        assertEquals(15, resample(four, 1).pixels[0].toInt())
        val noise = MimImage(8, 8, Random(0).nextBytes(192))
        val halved = resample(noise, 4).pixels
        for (i in halved.indices) {
            val (y, x, c) = Triple(i / 12, i / 3 % 4, i % 3)
            val block = listOf(0, 1, 8, 9).sumOf { noise.pixels[3 * (16 * y + 2 * x + it) + c].toInt() and 255 }
            assertEquals((block + 2) / 4, halved[i].toInt() and 255)
        }
    }

    @Test
    fun ownSizeIsTheCentreSquare() {
        val random = Random(1)
        repeat(20) {
            val (width, height) = Pair(random.nextInt(1, 40), random.nextInt(1, 40))
            val image = MimImage(width, height, random.nextBytes(3 * width * height))
            val side = minOf(width, height)
            val (top, left) = Pair((height - side) / 2, (width - side) / 2)
            val square = ByteArray(3 * side * side) {
                image.pixels[3 * ((top + it / 3 / side) * width + left + it / 3 % side) + it % 3]
            }
            assertArrayEquals(square, resample(image, side).pixels)
        }
    }

    @Test
    fun sizesWithoutPixelsAreRefused() {
        assertEquals("size: 0 px; give 1 to 4096", refusal { resample(made(2, 2), 0) })
        refusal { resample(made(2, 2), Int.MAX_VALUE) }
    }
}
