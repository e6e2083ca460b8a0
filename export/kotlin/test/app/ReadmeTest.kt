package app

import android.content.ContentResolver
import android.content.Context
import android.net.Uri
import androidx.camera.core.ImageCapture
import java.io.ByteArrayInputStream
import java.io.File
import java.io.InputStream
import java.util.Base64
import mim.Golden
import mim.MAX_PIXELS
import mim.levels
import mim.refusal
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** The README's code for apps, with stand-ins for Android. */
class ReadmeTest {
    private val statement = Golden.manifest.getString("statement")

    private fun resolver(open: () -> InputStream?) = object : ContentResolver() {
        override fun openInputStream(uri: Uri) = open()
    }

    private fun text(open: () -> InputStream?) = Judge(Context(resolver(open))).use { it.text(uri("none")) }

    private fun uri(name: String) = Uri.fromFile(Golden.file(name))

    private fun said(number: Int): String {
        val verdict = Golden.images[number].getString("verdict")
        val undecided = "neither mpox nor other skin could be excluded, or both were"
        val why = if (verdict == "undecided") undecided else Golden.reason(number)
        return "$statement\n$verdict${if (why == null) "" else ": $why"}"
    }

    @Test
    fun photographsAreUprightAsStored() {
        val chosen = Golden.decoded.filter { Regex("(exif_.|alpha)\\..*").matches(it.getString("file")) }
        assertEquals(9, chosen.size)
        for (entry in chosen) {
            val found = photograph(ContentResolver(), uri(entry.getString("file")))
            val expected = Golden.file(entry.getString("expected")).let { mim.decode(it) }
            assertEquals(expected.width, found.width)
            assertTrue(entry.toString(), levels(expected.pixels, found.pixels) <= entry.getInt("tolerance"))
        }
    }

    @Test
    fun everyGoldenPhotographIsJudged() {
        Judge(Context(ContentResolver())).use { judge ->
            for (number in Golden.images.indices.filterNot(Golden::nearLimit)) {
                assertEquals(said(number), judge.text(uri("%02d_input.png".format(number))))
            }
        }
    }

    @Test
    fun bothSignaturesAgree() {
        val bundle = Golden.bundle
        LiteRtRunner(bundle.model("mim.tflite"), bundle.size).use { runner ->
            val image = Golden.picture(1, "resampled").pixels
            val (verdict, explained) = Pair(runner.verdict(image), runner.explain(image).outputs)
            assertEquals(verdict.similarity, explained.similarity, 1e-5f)
            assertEquals(verdict.pClass, explained.pClass, 1e-5f)
            assertEquals(verdict.pOther, explained.pOther, 1e-5f)
            assertEquals(verdict.verdict, explained.verdict)
            assertEquals(verdict.reason, explained.reason)
        }
    }

    @Test
    fun resultsAreNotOverwritten() {
        val bundle = Golden.bundle
        LiteRtRunner(bundle.model("mim.tflite"), bundle.size).use { runner ->
            val first = runner.explain(Golden.picture(0, "resampled").pixels)
            val (pixels, errors) = Pair(first.inpainted.copyOf(), first.errorMap.copyOf())
            runner.explain(Golden.picture(1, "resampled").pixels)
            assertArrayEquals(pixels, first.inpainted)
            assertArrayEquals(errors, first.errorMap, 0f)
        }
    }

    @Test
    fun whatCannotBeDecodedIsUnreadable() {
        val unreadable = "$statement\ncannot-judge: unreadable"
        assertEquals(unreadable, text { ByteArrayInputStream(ByteArray(99)) })
        assertEquals(unreadable, text { null })
        assertEquals(unreadable, text { throw SecurityException() })
        assertEquals(unreadable, text { throw OutOfMemoryError() })
        assertEquals(unreadable, Judge(Context(ContentResolver())).use { it.text(uri("no such file")) })
        assertTrue(runCatching { text { throw IllegalStateException() } }.exceptionOrNull() is IllegalStateException)
    }

    /** A PNG of 60 bytes that says that it has 20,000 x 20,000 pixels. */
    @Test
    fun largePhotographsAreRefusedBeforeTheyAreDecoded() {
        val head = "iVBORw0KGgoAAAANSUhEUgAATiAAAE4gCAIAAAAAAAAA"
        val bytes = Base64.getDecoder().decode(head) + ByteArray(20)
        val line = refusal { photograph(resolver { ByteArrayInputStream(bytes) }, uri("large.png")) }
        assertTrue(line, line.endsWith("large.png: more than $MAX_PIXELS pixels; shrink it"))
    }

    @Test
    fun theShutterTakesOnePhotograph() {
        val shown = mutableListOf<String>()
        val number = Golden.images.indices.first { !Golden.nearLimit(it) }
        val photo = Golden.file("%02d_input.png".format(number))
        val file = photo.copyTo(File.createTempFile("shot", ".png"), overwrite = true)
        Judge(Context(ContentResolver())).use { judge ->
            repeat(2) { shoot(ImageCapture(), file, { it.run() }, judge, shown::add) }
        }
        assertEquals(listOf(said(number), "no photograph; take it again"), shown)
        assertFalse(file.exists())
    }
}
