package io.github.mimtf.android

import android.graphics.Bitmap.CompressFormat
import java.io.File
import kotlin.concurrent.thread
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Runs in a process of its own with a heap of 96 MB, as pom.xml says, of which Robolectric uses a half. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class LargePhotographTest {
    private val width = Integer.getInteger("mim.width", 8000)
    private val height = Integer.getInteger("mim.height", 6000)

    private fun status(name: String) = File("/proc/self/status").readLines()
        .first { it.startsWith("$name:") }.filter { it.isDigit() }.toLong() / 1024

    /** The image has 144 MB of RGB, and 192 MB as a bitmap. */
    @Test
    fun photographOf48MegapixelsFitsIntoAHeapOf64Megabytes() {
        val file = File.createTempFile("large", ".jpg")
        try {
            file.outputStream().buffered().use { made(width, height, CompressFormat.JPEG, 80, it) }
            System.gc()
            val free = Runtime.getRuntime().run { maxMemory() - totalMemory() + freeMemory() }
            assertTrue("$free bytes of heap are free", free <= 64 shl 20)
            val before = status("VmRSS")
            var most = before
            val watch = thread(isDaemon = true) {
                while (!Thread.interrupted()) {
                    most = maxOf(most, status("VmRSS"))
                    try { Thread.sleep(20) } catch (error: InterruptedException) { break }
                }
            }
            val start = System.nanoTime()
            val found = decodePhotograph(192) { file.inputStream() }.image()
            val time = (System.nanoTime() - start) / 1_000_000
            watch.interrupt()
            println("$width x $height px, a file of ${file.length() shr 20} MB: $time ms, ${most - before} MB more memory")
            // The square begins at column (width - height) / 2, and green grows with the rows.
            val red = 255.0 * ((width - height) / 2 + height / 384.0) / width
            assertEquals(red, (found.pixels[2].toInt() and 255).toDouble(), 3.0)
            assertEquals(255 * 0.997, (found.pixels[3 * 191 * 192 + 1].toInt() and 255).toDouble(), 3.0)
            assertTrue("${most - before} MB", most - before < 120)
        } finally {
            file.delete()
        }
    }
}
