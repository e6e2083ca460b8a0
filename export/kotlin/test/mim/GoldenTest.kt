package mim

import java.util.zip.CRC32
import kotlin.math.abs
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test

/** Each stage against the golden vectors, which LiteRT's reference kernels made. */
class GoldenTest {
    private val bundle = Golden.bundle

    @Test
    fun decodedFilesAreUpright() {
        var worst = 0
        for (entry in Golden.decoded) {
            val name = entry.getString("file")
            if (name.endsWith(".webp")) continue // which the Java library cannot decode
            // Nor does it read EXIF: the names tell the orientation.
            val orientation = Regex("exif_(\\d)").find(name)?.groupValues?.get(1)?.toInt() ?: 1
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
    fun maskedInputsAreEqual() {
        assumeNotNull(bundle.masks)
        val masks = bundle.masks!!
        for ((number, entry) in Golden.images.withIndex()) {
            val small = resample(Golden.picture(number, "resampled"), masks.size)
            assertArrayEquals("image $number", Golden.picture(number, "small").pixels, small.pixels)
            val crc = CRC32()
            for (mask in 0 until masks.count) crc.update(masks.masked(small, mask))
            assertEquals("image $number", entry.getLong("masked_crc32"), crc.value)
        }
    }

    @Test
    fun inpaintingAndItsSimilarityAreThoseOfTheGraph() {
        assumeNotNull(bundle.masks)
        val masks = bundle.masks!!
        val side = masks.size
        var (worstSsim, worstError) = Pair(0.0, 0f)
        for ((number, entry) in Golden.images.withIndex()) {
            val inpainting = masks.assemble(Golden.micro(number))
            val shown = Golden.picture(number, "inpainted")
            val enlarged = resample(Image.fromFloats(inpainting, side, side), bundle.size) // repeats pixels
            assertArrayEquals("image $number", shown.pixels, enlarged.pixels)
            val pixels = Golden.picture(number, "small").toFloats()
            worstSsim = maxOf(worstSsim, abs(ssim(pixels, inpainting, side, side) - entry.getDouble("ssim")))
            val errors = errorMap(pixels, inpainting, side, side)
            val expected = Golden.errorMap(number)
            assertEquals(expected.size, errors.size)
            for (i in errors.indices) worstError = maxOf(worstError, abs(errors[i] - expected[i]))
        }
        println("\nssim within $worstSsim, error map within $worstError of the graph's float32")
        assertTrue(worstSsim <= 1e-4 && worstError <= 1e-4)
    }

    @Test
    fun gateGivesItsReasons() {
        var worst = 0.0
        for ((number, entry) in Golden.images.withIndex()) {
            val image = Golden.picture(number, "resampled")
            for ((name, found) in listOf("contrast" to contrast(image), "detail" to detail(image))) {
                val expected = entry.getDouble(name)
                // Numpy's float32 mean gives an image of one colour a contrast of 1e-7.
                val difference = (abs(found - expected) - 2e-7) / maxOf(expected, 2e-7)
                assertTrue("image $number: $name $found, not $expected", difference <= 1e-6)
                worst = maxOf(worst, abs(found - expected))
            }
            val reason = gate(image, bundle.gate, entry.getDouble("foreignness").toFloat())
            if (Golden.reason(number) != Reason.TOO_SMALL.text) {
                assertEquals("image $number", Golden.reason(number), reason?.text)
            }
        }
        println("\ncontrast and detail within $worst")
    }

    @Test
    fun pValuesAndVerdictsAreEqual() {
        var worst = 0.0
        for ((number, entry) in Golden.images.withIndex()) {
            val p = pValue(entry.getDouble("similarity").toFloat(), bundle.calibration)
            worst = maxOf(worst, abs(p - entry.getDouble("p_value")))
            val reason = Reason.entries.find { it.text == Golden.reason(number) }
            assertEquals("image $number", entry.getString("verdict"), verdict(p, reason, bundle.calibration.alpha).text)
        }
        println("\np-values within $worst")
        assertTrue(worst <= 1e-6)
    }

    /** The whole scorer on each photograph, with what the graph gave. */
    @Test
    fun scorerRepeatsTheVerdicts() {
        for ((number, entry) in Golden.images.withIndex()) {
            val resampled = Golden.picture(number, "resampled")
            val outputs = Golden.outputs(number)
            val scorer = Scorer(bundle) { image ->
                assertArrayEquals(resampled.pixels, image)
                outputs
            }
            val judgement = scorer.score(Golden.picture(number, "input"))
            assertEquals("image $number", entry.getString("verdict"), judgement.verdict.text)
            assertEquals("image $number", Golden.reason(number), judgement.reason?.text)
            assertArrayEquals(outputs.inpainted, judgement.inpainted.pixels)
        }
    }
}
