package io.github.mimtf

import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class StagesTest {
    private val random = Random(0)

    private fun stripes(size: Int, black: (Int, Int) -> Boolean) =
        MimImage(size, size, ByteArray(3 * size * size) { if (black(it / 3 / size, it / 3 % size)) 0 else -1 })

    @Test
    fun masksPartitionTheImage() {
        assertEquals(listOf(0, 1, 0, 1, 1, 0, 1, 0), MaskSet(4, 1, 2, 1).labels.take(8))
        for ((cell, count) in listOf(1 to 2, 2 to 3, 8 to 4, 3 to 9)) {
            val set = MaskSet(48, cell, count, maxOf(1, count / 2))
            val image = MimImage(48, 48, random.nextBytes(3 * 48 * 48))
            val hidden = IntArray(48 * 48)
            for (mask in 0 until count) {
                val input = set.filled(image, mask)
                for (i in hidden.indices) {
                    val rgb = List(3) { input[4 * i + it].toInt() }
                    if (input[4 * i + 3].toInt() == -128) {
                        hidden[i]++
                    } else {
                        assertEquals(127, input[4 * i + 3].toInt())
                        assertEquals(List(3) { (image.pixels[3 * i + it].toInt() and 255) - 128 }, rgb)
                    }
                }
            }
            assertTrue(hidden.all { it == 1 })
        }
    }

    @Test
    fun fillOfAConstantImageIsThatImage() {
        for (size in listOf(6, 48, 64)) {
            val set = MaskSet(size, 2, 3, 1)
            val input = set.filled(MimImage(size, size, ByteArray(3 * size * size) { 77 }), 1)
            assertTrue(input.indices.all { it % 4 == 3 || input[it].toInt() == 77 - 128 })
        }
    }

    /** Each output is constant, its mask's number. 102/255 is the contract's example. */
    @Test
    fun inpaintingTakesEachPixelFromTheMaskThatHidesIt() {
        val set = MaskSet(16, 2, 4, 2)
        val outputs = List(4) { mask -> ByteArray(768) { mask.toByte() } }
        val assembled = set.assemble(outputs)
        for (i in assembled.indices) assertEquals((set.labels[i / 3] + 128) / 255f, assembled[i], 0f)
        assertEquals(0.4f, MaskSet(1, 1, 2, 1).assemble(List(2) { ByteArray(3) { -26 } })[0], 0f)
    }

    /** Two pictures that are easy to generate in any language, with the results of scikit-image. */
    @Test
    fun similarityIsThatOfScikitImage() {
        val made = { shift: Int, scale: Float ->
            FloatArray(3 * 52 * 40) {
                val (y, x) = Pair(it / 3 / 52, it / 3 % 52)
                (y * (5 + it % 3) + x * (3 + shift) + y * x / (7 + shift)) % 256 / scale
            }
        }
        val (a, b) = Pair(made(0, 255f), made(1, 256f))
        assertEquals(0.6474664986191032, ssim(a, b, 52, 40), 1e-6)
        val errors = errorMap(a, b, 52, 40)
        val expected = mapOf(
            0 to 0.010757157182625043, 51 to 0.32824088302925214, 39 * 52 to 0.008637094717234728,
            20 * 52 + 30 to 0.6104162183759412, 39 * 52 + 51 to 0.008687349342805795,
        )
        for ((i, value) in expected) assertEquals(value, errors[i].toDouble(), 1e-6)
        assertEquals(0.30236937889111815, errors.map { it.toDouble() }.average(), 1e-6)
    }

    @Test
    fun similarityOfAnImageAndItselfIsOne() {
        repeat(5) {
            val x = FloatArray(3 * 17 * 13) { random.nextFloat() }
            assertEquals(1.0, ssim(x, x, 17, 13), 1e-12)
            assertTrue(errorMap(x, x, 17, 13).all { it == 0f || it < 1e-6f })
        }
        assertEquals(0.0001 / 1.0001, ssim(FloatArray(1200), FloatArray(1200) { 1f }, 20, 20), 1e-12)
    }

    @Test
    fun contrastAndDetailOfDrawings() {
        val halves = stripes(16) { _, x -> x < 8 }
        assertEquals(0.5f, contrast(halves), 1e-6f)
        assertEquals(0.5f / 15, detail(halves), 1e-6f)
        assertEquals(0.5f, detail(stripes(16) { y, _ -> y % 2 == 0 }), 1e-6f)
        assertEquals(1f, detail(stripes(16) { y, x -> (y + x) % 2 == 0 }), 1e-6f)
        assertEquals(0f, contrast(stripes(16) { _, _ -> true }), 0f)
    }

    @Test
    fun gateAsksInTheOrderOfTheContract() {
        val image = stripes(16) { _, x -> x < 8 }
        val limits = { contrast: Float, detail: Float, novelty: Float? -> Gate(contrast, detail, 1, novelty) }
        assertEquals(Reason.BLANK, gate(image, limits(0.6f, 1f, 0f), 9f))
        assertEquals(Reason.BLURRED, gate(image, limits(0.4f, 1f, 0f), 9f))
        assertEquals(Reason.NOT_SKIN, gate(image, limits(0.4f, 0.01f, 8f), 9f))
        assertNull(gate(image, limits(0.4f, 0.01f, 9f), 9f))
        assertNull(gate(image, limits(0.4f, 0.01f, null), 9f))
    }

    @Test
    fun pValueOfTheClassCountsGroupsUpToTheSimilarity() {
        val table = ConformalTable(floatArrayOf(0.5f, 0.7f, 0.9f), floatArrayOf(1f, 0.5f, 0.5f), 2)
        val expected = mapOf(0.4f to 1 / 3.0, 0.5f to 2 / 3.0, 0.6f to 2 / 3.0, 0.8f to 2.5 / 3, 2f to 1.0)
        for ((similarity, p) in expected) assertEquals(p, pClass(similarity, table).toDouble(), 1e-6)
        assertEquals("similarity: not a number; run the model again, on the CPU", refusal { pClass(Float.NaN, table) })
    }

    @Test
    fun pValueOfOtherSkinCountsGroupsFromTheSimilarityOn() {
        val table = ConformalTable(floatArrayOf(0.2f, 0.4f, 0.6f), floatArrayOf(1.5f, 0.75f, 0.75f), 3)
        val expected = mapOf(0.2f to 1.0, 0.3f to 2.5 / 4, 0.5f to 1.75 / 4, 0.6f to 1.75 / 4, 2f to 1 / 4.0)
        for ((similarity, p) in expected) assertEquals(p, pOther(similarity, table).toDouble(), 1e-6)
        assertEquals(1f, pOther(0.5f, ConformalTable(FloatArray(0), FloatArray(0), 0)), 0f)
        refusal { pOther(Float.NaN, table) }
    }

    @Test
    fun verdictFollowsTheTwoPValuesAndTheReason() {
        val found = { own: Float, other: Float -> verdict(own, other, null, 0.05, 0.2) }
        assertEquals(Verdict.MPOX_LIKE, found(0.4f, 0.1f))
        assertEquals(Verdict.NOT_MPOX_LIKE, found(0.03f, 0.9f))
        assertEquals(Verdict.UNDECIDED, found(0.4f, 0.5f)) // neither is excluded
        assertEquals(Verdict.UNDECIDED, found(0.03f, 0.1f)) // both are
        for (rounding in listOf(-5e-6f, 0f, 5e-6f)) {
            assertEquals(Verdict.NOT_MPOX_LIKE, found(0.05f + rounding, 0.9f))
            assertEquals(Verdict.MPOX_LIKE, found(0.4f, 0.2f + rounding))
        }
        assertEquals(Verdict.UNDECIDED, found(0.05002f, 0.9f))
        assertEquals(Verdict.UNDECIDED, found(0.4f, 0.20002f))
        for (reason in Reason.entries) assertEquals(Verdict.CANNOT_JUDGE, verdict(0.4f, 0.1f, reason, 0.05, 0.2))
    }

    @Test
    fun wrongArgumentsAreRefused() {
        val set = MaskSet(16, 2, 4, 2)
        val image = stripes(16) { _, _ -> true }
        refusal { MaskSet(16, 3, 4, 2) }
        refusal { MaskSet(16, 0, 4, 2) }
        refusal { MaskSet(16, 2, 1, 2) }
        refusal { MaskSet(1_000_000, 2, 4, 2) }
        val expected = "mask 4: not for 16 x 16 px; resample to 16 px, and use masks below 4"
        assertEquals(expected, refusal { set.filled(image, 4) })
        refusal { set.filled(stripes(8) { _, _ -> true }, 0) }
        refusal { set.assemble(List(3) { ByteArray(768) }) }
        refusal { set.assemble(List(4) { ByteArray(767) }) }
        refusal { ssim(FloatArray(300), FloatArray(300), 10, 10) }
        refusal { errorMap(FloatArray(1200), FloatArray(1197), 20, 20) }
        assertArrayEquals(floatArrayOf(0f), errorMap(FloatArray(363), FloatArray(363), 11, 11).copyOf(1), 0f)
    }
}
