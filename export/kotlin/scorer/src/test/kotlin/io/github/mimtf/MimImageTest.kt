package io.github.mimtf

import java.nio.ByteBuffer
import kotlin.math.abs
import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class MimImageTest {
    private val random = Random(0)

    private fun noise(width: Int, height: Int) = MimImage(width, height, random.nextBytes(3 * width * height))

    private fun first(image: MimImage) = List(3) { image.pixels[it].toInt() and 255 }

    @Test
    fun orientationsMovePixelsAsExifDefinesThem() {
        val image = MimImage(3, 2, ByteArray(18) { (it / 3 + 1).toByte() })
        val expected = mapOf(
            0 to "123456", 1 to "123456", 2 to "321654", 3 to "654321", 4 to "456123",
            5 to "142536", 6 to "415263", 7 to "635241", 8 to "362514", 9 to "123456",
        )
        for ((orientation, values) in expected) {
            val turned = image.upright(orientation)
            val found = (0 until 6).joinToString("") { turned.pixels[3 * it].toString() }
            assertEquals("orientation $orientation", values, found)
            assertEquals(if (orientation in 5..8) 2 else 3, turned.width)
        }
    }

    @Test
    fun everyOrientationHasAnInverse() {
        repeat(50) {
            val image = noise(random.nextInt(1, 30), random.nextInt(1, 30))
            for ((orientation, inverse) in listOf(2 to 2, 3 to 3, 4 to 4, 5 to 5, 6 to 8, 7 to 7, 8 to 6)) {
                val back = image.upright(orientation).upright(inverse)
                assertEquals(image.width, back.width)
                assertArrayEquals("orientation $orientation", image.pixels, back.pixels)
            }
        }
    }

    @Test
    fun alphaIsLaidOverWhite() {
        assertEquals(listOf(255, 127, 127), first(overWhite(intArrayOf(0x80ff0000.toInt()), 1, 1)))
        assertEquals(listOf(255, 127, 127), first(overWhite(byteArrayOf(-1, 0, 0, -128), 1, 1)))
        assertEquals(listOf(255, 255, 255), first(overWhite(intArrayOf(0x00102030), 1, 1)))
        assertEquals(listOf(16, 32, 48), first(overWhite(intArrayOf(0xff102030.toInt()), 1, 1)))
    }

    /** Pillow's conversion of `YCbCr` to `RGB`, which is JFIF's; its tables may round one level otherwise. */
    @Test
    fun coloursOfTheCameraAreThoseOfJfif() {
        val expected = mapOf(
            listOf(76, 85, 255) to listOf(254, 0, 0), listOf(150, 44, 21) to listOf(0, 255, 1),
            listOf(29, 255, 107) to listOf(0, 0, 254), listOf(128, 128, 128) to listOf(128, 128, 128),
            listOf(200, 100, 160) to listOf(244, 186, 150), listOf(60, 140, 90) to listOf(6, 83, 81),
            listOf(255, 128, 128) to listOf(255, 255, 255), listOf(16, 200, 30) to listOf(0, 61, 143),
        )
        for ((yuv, rgb) in expected) {
            val (y, u, v) = yuv.map { YuvPlane(ByteBuffer.wrap(byteArrayOf(it.toByte())), 1, 1) }
            val found = first(yuvToRgb(y, u, v, 1, 1, 0))
            assertTrue("$yuv: $found, not $rgb", found.zip(rgb).all { (a, b) -> abs(a - b) <= 1 })
        }
    }

    /** The same picture as three dense planes, and as rows with padding and interleaved U and V in direct memory. */
    @Test
    fun stridesAndRotationOfTheCameraAreFollowed() {
        repeat(20) {
            val width = random.nextInt(1, 40)
            val height = random.nextInt(1, 40)
            val (halfWidth, halfHeight) = Pair((width + 1) / 2, (height + 1) / 2)
            val y = random.nextBytes(width * height)
            val (u, v) = List(2) { random.nextBytes(halfWidth * halfHeight) }
            val dense = { bytes: ByteArray, stride: Int -> YuvPlane(ByteBuffer.wrap(bytes), stride, 1) }
            val straight = yuvToRgb(dense(y, width), dense(u, halfWidth), dense(v, halfWidth), width, height, 0)

            val padded = spread(y, width, width + 7, 1)
            val planes = listOf(u, v).map { spread(it, halfWidth, 2 * halfWidth + 5, 2) }
            for ((degrees, orientation) in listOf(0 to 1, 90 to 6, 180 to 3, 270 to 8)) {
                val turned = yuvToRgb(padded, planes[0], planes[1], width, height, degrees)
                assertArrayEquals("$degrees degrees", straight.upright(orientation).pixels, turned.pixels)
            }
        }
    }

    /** As a camera does, it leaves out what follows the last value. */
    private fun spread(values: ByteArray, width: Int, rowStride: Int, pixelStride: Int): YuvPlane {
        val height = values.size / width
        val bytes = ByteBuffer.allocateDirect((height - 1) * rowStride + (width - 1) * pixelStride + 1)
        for ((i, value) in values.withIndex()) bytes.put(i / width * rowStride + i % width * pixelStride, value)
        return YuvPlane(bytes, rowStride, pixelStride)
    }

    @Test
    fun floatsAndBack() {
        val image = noise(20, 10)
        assertEquals(0.2f, MimImage(1, 1, byteArrayOf(51, 0, -1)).toFloats()[0], 0f)
        assertArrayEquals(image.pixels, MimImage.fromFloats(image.toFloats(), 20, 10).pixels)
        assertEquals(listOf(100, 254, 0), first(MimImage.fromFloats(floatArrayOf(100 / 256f, 255 / 256f, 0f), 1, 1)))
    }

    @Test
    fun wrongSizesAreRefused() {
        val plane = YuvPlane(ByteBuffer.allocate(4), 2, 1)
        val expected = "image: 5 values for 1 x 2 pixels; give its own width and height"
        assertEquals(expected, refusal { MimImage(1, 2, ByteArray(5)) })
        refusal { MimImage(0, 0, ByteArray(0)) }
        refusal { MimImage(-1, -1, ByteArray(3)) }
        refusal { MimImage(1 shl 16, 1 shl 16, ByteArray(0)) }
        refusal { overWhite(IntArray(3), 2, 2) }
        refusal { overWhite(ByteArray(12), 2, 2) }
        assertEquals("pixels: 7 bytes for 2; give 4 for each", refusal { overWhite(ByteArray(8), 1, ByteArray(6)) })
        val turned = refusal { yuvToRgb(plane, plane, plane, 2, 2, 45) }
        assertEquals("rotation: 45 degrees; give 0, 90, 180 or 270", turned)
        assertEquals(
            "plane y: not of 3 x 2 values; give the camera's own planes and strides",
            refusal { yuvToRgb(plane, plane, plane, 3, 2, 0) },
        )
        refusal { yuvToRgb(plane, YuvPlane(ByteBuffer.allocate(0), 1, 1), plane, 2, 2, 0) }
        refusal { yuvToRgb(plane, plane, plane, 2, Int.MAX_VALUE, 0) }
        refusal { yuvToRgb(plane, plane, plane, 0, 2, 0) }
    }
}
