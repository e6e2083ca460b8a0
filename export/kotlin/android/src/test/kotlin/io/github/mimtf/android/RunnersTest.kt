package io.github.mimtf.android

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import io.github.mimtf.Golden
import io.github.mimtf.MimBundle
import io.github.mimtf.Runner
import io.github.mimtf.Scorer
import java.io.ByteArrayInputStream
import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** Both runners on LiteRT's shared library for Linux, with stand-ins for the classes of LiteRT's Android library. */
class RunnersTest {
    private val bundle = Golden.bundle
    private val model = File(Golden.folder, "mim.tflite").path

    private fun compiled() = CompiledModelRunner(bundle, CompiledModel.create(model, CompiledModel.Options(Accelerator.CPU)))

    private fun <R> check(runner: R) where R : Runner, R : AutoCloseable = runner.use {
        val scorer = Scorer(bundle, it)
        for (number in Golden.images.indices.filterNot(Golden::nearLimit)) {
            val photo = Golden.picture(number, "input")
            for (found in listOf(scorer.judge(photo), scorer.explain(photo).judgement)) {
                assertEquals(Golden.images[number].getString("verdict"), found.verdict.text)
                assertEquals(Golden.reason(number), found.reason?.text)
            }
        }
        // Results are not overwritten by the next image.
        val first = it.explain(Golden.picture(0, "resampled").pixels)
        val (pixels, errors) = Pair(first.inpainted.copyOf(), first.errorMap.copyOf())
        it.explain(Golden.picture(1, "resampled").pixels)
        assertArrayEquals(pixels, first.inpainted)
        assertArrayEquals(errors, first.errorMap, 0f)
    }

    @Test
    fun interpreterGivesTheGoldenVerdicts() = check(InterpreterRunner(bundle))

    @Test
    fun compiledModelGivesTheGoldenVerdicts() = check(compiled())

    @Test
    fun damagedModelsAreNotRun() {
        val altered = MimBundle {
            val content = File(Golden.folder, it).readBytes()
            if (it == "mim.tflite") content[1000]++
            ByteArrayInputStream(content)
        }
        val line = assertThrows(Exception::class.java) { InterpreterRunner(altered) }.message!!
        assertEquals("mim.tflite: differs from its sha256 in manifest.json; copy the whole bundle into the app again", line)
        val loaded = CompiledModel.create(model, CompiledModel.Options(Accelerator.CPU))
        assertEquals(line, assertThrows(Exception::class.java) { CompiledModelRunner(altered, loaded) }.message)
    }
}
