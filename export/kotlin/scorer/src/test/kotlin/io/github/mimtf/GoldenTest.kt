package io.github.mimtf

import java.util.zip.CRC32
import kotlin.math.abs
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test

/** Each stage against the golden vectors, which come from LiteRT's reference kernels. */
class GoldenTest {
    private val bundle = Golden.bundle

    @Test
    fun decodedFilesAreUpright() {
        var worst = 0
        for (entry in Golden.decoded) {
            val name = entry.getString("file")
            if (name.endsWith(".webp")) continue // Java's library cannot decode WebP
            val orientation = Golden.file(name).inputStream().use { PhotographFile.read(it).orientation }
            val found = decode(Golden.file(name)).upright(orientation)
            val expected = decode(Golden.file(entry.getString("expected")))
            assertEquals(name, expected.width, found.width)
            val difference = levels(expected.pixels, found.pixels)
            assertTrue("$name: $difference levels", difference <= entry.getInt("tolerance"))
            worst = maxOf(worst, difference)
        }
        println("\ndecoded files: $worst levels at most")
    }

    @Test
    fun resampledImagesAreEqual() {
        for (number in Golden.images.indices) {
            val found = resample(Golden.picture(number, "input"), bundle.size)
            assertArrayEquals("image $number", Golden.picture(number, "resampled").pixels, found.pixels)
        }
    }

    @Test
    fun filledInputsAreEqual() {
        assumeNotNull(bundle.masks)
        val masks = bundle.masks!!
        for ((number, entry) in Golden.images.withIndex()) {
            val small = resample(Golden.picture(number, "resampled"), masks.size)
            assertArrayEquals("image $number", Golden.picture(number, "small").pixels, small.pixels)
            val crc = CRC32()
            for (mask in 0 until masks.count) crc.update(masks.filled(small, mask))
            assertEquals("image $number", entry.getLong("filled_crc32"), crc.value)
        }
    }

    @Test
    fun fillsWithOtherMasksAreEqual() {
        assumeNotNull(bundle.masks)
        assertTrue(Golden.fills.isNotEmpty())
        for (entry in Golden.fills) {
            val masks = MaskSet(entry.getInt("size"), entry.getInt("cell"), entry.getInt("count"), entry.getInt("step"))
            val crc = CRC32()
            crc.update(masks.filled(resample(Golden.picture(0, "resampled"), masks.size), entry.getInt("mask")))
            assertEquals("$entry", entry.getLong("filled_crc32"), crc.value)
        }
    }

    @Test
    fun inpaintingAndErrorMapAreThoseOfTheGraph() {
        assumeNotNull(bundle.masks)
        val masks = bundle.masks!!
        val side = masks.size
        var worst = 0f
        for (number in Golden.images.indices) {
            val inpainting = masks.assemble(Golden.micro(number))
            val shown = Golden.picture(number, "inpainted")
            val enlarged = resample(MimImage.fromFloats(inpainting, side, side), bundle.size) // repeats pixels
            assertArrayEquals("image $number", shown.pixels, enlarged.pixels)
            val pixels = Golden.picture(number, "small").toFloats()
            val errors = errorMap(pixels, inpainting, side, side)
            val expected = Golden.errorMap(number)
            assertEquals(expected.size, errors.size)
            for (i in errors.indices) worst = maxOf(worst, abs(errors[i] - expected[i]))
        }
        println("\nerror map within $worst of the graph's float32")
        assertTrue(worst <= 1e-4)
    }

    /** The values that `mim-tf verify` compares between scorers. */
    @Test
    fun scoresAreThoseOfTheGraph() {
        val names = listOf("ssim", "contrast", "detail", "p_class", "p_other")
        val worst = DoubleArray(names.size)
        for ((number, entry) in Golden.images.withIndex()) {
            val found = scores(number)
            // The graph's and numpy's float32 give an image of one colour a contrast of 1e-7.
            val allowed = { value: Double -> 1e-6 * value + 2e-7 }
            val expected = names.map { entry.getDouble(it) }
            val limits = listOf(1e-4, allowed(expected[1]), allowed(expected[2]), 5e-6, 5e-6)
            for ((i, name) in names.withIndex()) {
                if (found.isNull(name)) continue
                val difference = abs(found.getDouble(name) - expected[i])
                assertTrue("image $number: $name differs by $difference", difference <= limits[i])
                worst[i] = maxOf(worst[i], difference)
            }
            for (name in listOf("verdict", "reason")) assertEquals("image $number", entry.get(name), found.get(name))
        }
        println("\n$names within ${worst.toList()} of the graph's float32")
    }

    /** At and next to values of the tables, where < in place of <= would give another result. */
    @Test
    fun decisionsAreThoseOfTheTables() {
        assertTrue(Golden.decisions.isNotEmpty())
        for (entry in Golden.decisions) {
            val similarity = entry.getDouble("similarity").toFloat()
            val (own, other) = pClass(similarity, bundle.calibration) to pOther(similarity, bundle.reference)
            assertEquals("$entry", entry.getDouble("p_class"), own.toDouble(), 5e-6)
            assertEquals("$entry", entry.getDouble("p_other"), other.toDouble(), 5e-6)
            val found = verdict(own, other, null, bundle.alpha, bundle.beta)
            assertEquals("$entry", entry.getString("verdict"), found.text)
        }
    }

    /** The whole scorer on each photograph, with the graph's golden outputs. */
    @Test
    fun scorerRepeatsTheVerdicts() {
        for ((number, entry) in Golden.images.withIndex()) {
            val resampled = Golden.picture(number, "resampled")
            val outputs = Golden.outputs(number)
            val known = Known { image ->
                assertArrayEquals(resampled.pixels, image)
                outputs
            }
            val scorer = Scorer(bundle, known)
            val photo = Golden.picture(number, "input")
            val explanation = scorer.explain(photo)
            val strips = Resampler(photo.width, photo.height, bundle.size)
            for (y in 0 until strips.side) strips.add(photo.pixels, 3 * ((strips.top + y) * photo.width + strips.left))
            for (judgement in listOf(scorer.judge(photo), scorer.judge(strips), explanation.judgement)) {
                assertEquals("image $number", entry.getString("verdict"), judgement.verdict.text)
                assertEquals("image $number", Golden.reason(number), judgement.reason?.text)
            }
            assertArrayEquals(outputs.inpainted, explanation.inpainted.pixels)
        }
    }
}
