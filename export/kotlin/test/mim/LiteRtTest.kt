package mim

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.system.measureNanoTime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test

/** The bundle's models, run by LiteRT on the CPU, against the golden vectors and the tolerances that they state. */
class LiteRtTest {
    private val bundle = Golden.bundle

    @Test
    fun scorerJudgesPhotographs() {
        val model = LiteRt(bundle.model("mim.tflite"), "score")
        var judgement: Judgement? = null
        val scorer = Scorer(bundle) { outputs(model.run(it)) }
        val measure = Golden.manifest.getJSONObject("measure").getString("name")
        val tolerance = Golden.tolerance
        val worst = sortedMapOf("similarity" to 0.0, "pixels" to 0.0, "error map" to 0.0, "ssim" to 0.0)
        val times = mutableListOf<Long>()
        for ((number, entry) in Golden.images.withIndex()) {
            val photo = Golden.picture(number, "input")
            times += measureNanoTime { judgement = scorer.score(photo) } / 1_000_000
            val found = judgement!!
            val golden = Golden.outputs(number)
            val similarity = abs(found.similarity - golden.similarity).toDouble()
            val relative = tolerance.optDouble("${measure}_relative", 0.0)
            val allowed = tolerance.getDouble(measure) + relative * abs(golden.similarity)
            val differences = mapOf(
                "similarity" to similarity,
                "pixels" to levels(golden.inpainted, found.inpainted.pixels).toDouble(),
                "error map" to found.errorMap.indices.maxOf { abs(golden.errorMap[it] - found.errorMap[it]) }.toDouble(),
                "ssim" to abs(found.ssim - golden.ssim).toDouble(),
            )
            assertTrue("image $number: $differences", similarity <= allowed)
            for ((name, difference) in differences) worst[name] = maxOf(worst.getValue(name), difference)
            assertEquals("image $number", entry.getString("verdict"), found.verdict.text)
            assertEquals("image $number", Golden.reason(number), found.reason?.text)
        }
        println("\nLiteRT on the CPU: ${times.sorted()[times.size / 2]} ms a photograph (median); at most $worst")
        assertTrue(worst.getValue("pixels") <= tolerance.getDouble("pixels"))
        assertTrue(worst.getValue("error map") <= tolerance.getDouble("error_map"))
        assertTrue(worst.getValue("ssim") <= tolerance.getDouble("ssim"))
    }

    @Test
    fun microModelInpaintsMaskByMask() {
        assumeNotNull(bundle.masks)
        val model = LiteRt(bundle.model("mim_micro.tflite"), null)
        var worst = 0
        for (number in Golden.images.indices) {
            val small = Golden.picture(number, "small")
            for ((mask, expected) in Golden.micro(number).withIndex()) {
                val found = model.run(bundle.masks!!.filled(small, mask)).values.single()
                worst = maxOf(worst, expected.indices.maxOf { abs(expected[it] - found[it]) })
            }
        }
        println("\nmim_micro.tflite: $worst levels at most")
        assertTrue(worst <= Golden.tolerance.getInt("pixels"))
    }

    private fun outputs(found: Map<String, ByteArray>): Outputs {
        fun words(name: String) = ByteBuffer.wrap(found.getValue(name)).order(ByteOrder.nativeOrder())
        return Outputs(
            words("similarity").getFloat(),
            words("p_value").getFloat(),
            words("verdict").getInt(),
            words("reason").getInt(),
            found.getValue("inpainted"),
            FloatArray(bundle.size * bundle.size) { words("error_map").getFloat(4 * it) },
            words("ssim").getFloat(),
        )
    }
}
