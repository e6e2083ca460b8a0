package io.github.mimtf.android

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import io.github.mimtf.Golden
import io.github.mimtf.MimBundle
import io.github.mimtf.MimError
import io.github.mimtf.Runner
import io.github.mimtf.Scorer
import java.io.ByteArrayInputStream
import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** Both runners on LiteRT's shared library for Linux, with stand-ins for the classes of LiteRT's Android library. */
class RunnersTest {
    private val bundle = Golden.bundle
    private val file = File.createTempFile("mim", ".tflite").apply { deleteOnExit() }

    private fun load(file: File) = CompiledModel.create(file.path, CompiledModel.Options(Accelerator.CPU))

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
    fun compiledModelGivesTheGoldenVerdicts() = check(CompiledModelRunner(bundle, file, ::load))

    @Test
    fun damagedModelsAreNotRun() {
        val altered = MimBundle {
            val content = File(Golden.folder, it).readBytes()
            if (it == "mim.tflite") content[1000]++
            ByteArrayInputStream(content)
        }
        val line = assertThrows(Exception::class.java) { InterpreterRunner(altered) }.message!!
        assertEquals("mim.tflite: differs from its sha256 in manifest.json; copy the whole bundle into the app again", line)
        val refused = assertThrows(MimError::class.java) { CompiledModelRunner(altered, file) { error("not loaded") } }
        assertEquals(line, refused.message)
    }

    /** The runner gives LiteRT the bytes whose sha256 it has checked, whatever was in the file before. */
    @Test
    fun compiledModelIsTheCheckedOne() {
        file.writeText("another model")
        CompiledModelRunner(bundle, file, ::load).close()
        assertArrayEquals(Golden.file("../mim.tflite").readBytes(), file.readBytes())
        val folder = assertThrows(MimError::class.java) { CompiledModelRunner(bundle, file.parentFile, ::load) }
        assertTrue(folder.message!!, folder.message!!.endsWith("give a file that the app may write"))
    }

    @Test
    fun failuresOfLiteRtAreOneLine() {
        for (failure in listOf(UnsatisfiedLinkError("no library"), IllegalArgumentException("no library"))) {
            val found = assertThrows(MimError::class.java) { CompiledModelRunner(bundle, file) { throw failure } }
            assertEquals(failure, found.cause)
            assertEquals(
                "mim.tflite: LiteRT failed ($failure); add the LiteRT that the README of mim-android names",
                found.message,
            )
        }
        assertThrows(MimError::class.java) { InterpreterRunner(bundle, threads = 0) }
        val closed = InterpreterRunner(bundle).apply { close() }
        assertThrows(MimError::class.java) { closed.verdict(Golden.picture(0, "resampled").pixels) }
    }

    /** Here the fourth buffer cannot be created. */
    @Test
    fun compiledModelIsClosedAfterAFailure() {
        val models = mutableListOf<CompiledModel>()
        assertThrows(MimError::class.java) {
            CompiledModelRunner(bundle, file) { load(it).apply { buffers = 3 }.also(models::add) }
        }
        assertEquals(listOf(true), models.map { it.closed })
        assertEquals(0, models[0].open)
    }
}
