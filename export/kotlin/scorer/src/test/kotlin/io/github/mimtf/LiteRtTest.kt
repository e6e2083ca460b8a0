package io.github.mimtf

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test

/** The bundle's models, run by LiteRT on the CPU, against the golden vectors and the tolerances that they state. */
class LiteRtTest {
    private val bundle = Golden.bundle

    @Test
    fun scorerJudgesPhotographs() {
        val scorer = Scorer(bundle, runner(LiteRt(bundle.model("mim.tflite"))))
        val tolerance = Golden.tolerance
        val worst = sortedMapOf("similarity" to 0.0, "pixels" to 0.0, "error map" to 0.0, "ssim" to 0.0)
        val (judged, explained) = List(2) { mutableListOf<Double>() }
        var equal = 0
        for ((number, entry) in Golden.images.withIndex()) {
            val photo = Golden.picture(number, "input")
            val judgement = timed(judged) { scorer.judge(photo) }
            val found = timed(explained) { scorer.explain(photo) }
            val golden = Golden.outputs(number)
            val expected = golden.outputs.similarity
            val similarity = listOf(judgement, found.judgement).maxOf { abs(it.similarity - expected) }.toDouble()
            val errors = golden.errorMap.indices.maxOf { abs(golden.errorMap[it] - found.errorMap[it]) }
            val differences = mapOf(
                "similarity" to similarity,
                "pixels" to levels(golden.inpainted, found.inpainted.pixels).toDouble(),
                "error map" to errors.toDouble(),
                "ssim" to abs(found.ssim - golden.ssim).toDouble(),
            )
            assertTrue("image $number: $differences", similarity <= Golden.allowed(expected.toDouble()))
            for ((name, difference) in differences) worst[name] = maxOf(worst.getValue(name), difference)
            if (Golden.nearLimit(number)) continue
            equal++
            for (one in listOf(judgement, found.judgement)) {
                assertEquals("image $number", entry.getString("verdict"), one.verdict.text)
                assertEquals("image $number", Golden.reason(number), one.reason?.text)
            }
        }
        val (judge, explain) = listOf(judged, explained).map { "%.0f".format(it.sorted()[it.size / 2]) }
        println("\nLiteRT on the CPU: judge $judge, explain $explain ms a photograph (median); at most $worst")
        assertTrue("$equal verdicts compared", 2 * equal > Golden.images.size)
        assertTrue(worst.getValue("pixels") <= tolerance.getDouble("pixels"))
        assertTrue(worst.getValue("error map") <= tolerance.getDouble("error_map"))
        assertTrue(worst.getValue("ssim") <= tolerance.getDouble("ssim"))
    }

    @Test
    fun microModelInpaintsMaskByMask() {
        assumeNotNull(bundle.masks)
        val model = LiteRt(bundle.model("mim_micro.tflite"))
        var worst = 0
        for (number in Golden.images.indices) {
            val small = Golden.picture(number, "small")
            for ((mask, expected) in Golden.micro(number).withIndex()) {
                val found = model.run("inpaint", bundle.masks!!.filled(small, mask)).values.single()
                worst = maxOf(worst, expected.indices.maxOf { abs(expected[it] - found[it]) })
            }
        }
        println("\nmim_micro.tflite: $worst levels at most")
        assertTrue(worst <= Golden.tolerance.getInt("pixels"))
    }

    private fun <T> timed(milliseconds: MutableList<Double>, run: () -> T): T {
        val start = System.nanoTime()
        return run().also { milliseconds += (System.nanoTime() - start) / 1e6 }
    }

    private fun runner(model: LiteRt) = object : Runner {
        override fun verdict(image: ByteArray) = outputs(model.run("verdict", image))

        override fun explain(image: ByteArray): ExplainOutputs {
            val found = model.run("explain", image)
            val errors = words(found, "error_map")
            return ExplainOutputs(
                outputs(found),
                words(found, "ssim").getFloat(),
                found.getValue("inpainted"),
                FloatArray(bundle.size * bundle.size) { errors.getFloat(4 * it) },
            )
        }
    }

    private fun outputs(found: Map<String, ByteArray>): Outputs {
        val (similarity, own, other) = listOf("similarity", "p_class", "p_other").map { words(found, it).getFloat() }
        return Outputs(similarity, own, other, words(found, "verdict").getInt(), words(found, "reason").getInt())
    }

    private fun words(found: Map<String, ByteArray>, name: String) =
        ByteBuffer.wrap(found.getValue(name)).order(ByteOrder.nativeOrder())
}
