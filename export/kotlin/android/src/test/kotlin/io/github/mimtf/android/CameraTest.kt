package io.github.mimtf.android

import android.graphics.ImageFormat
import androidx.camera.core.ImageCapture
import androidx.camera.core.ImageCaptureException
import androidx.camera.core.ImageInfo
import androidx.camera.core.ImageProxy
import io.github.mimtf.Golden
import io.github.mimtf.Judgement
import io.github.mimtf.Known
import io.github.mimtf.MimError
import io.github.mimtf.Scorer
import io.github.mimtf.Verdict
import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class CameraTest {
    private val bundle = Golden.bundle

    private fun golden(number: Int) = Scorer(bundle, Known { Golden.outputs(number) })

    private fun shoot(file: File, use: (File) -> Unit): List<ImageCaptureException> {
        val failed = mutableListOf<ImageCaptureException>()
        val options = ImageCapture.OutputFileOptions.Builder(file).build()
        try {
            ImageCapture().takePicture(options, { it.run() }, PhotographCallback(file, use, failed::add))
        } finally {
            assertFalse("the photograph is still there", file.exists())
        }
        return failed
    }

    private fun photograph() = File.createTempFile("shot", ".png").also { Golden.file("01_input.png").copyTo(it, true) }

    @Test
    fun photographsAreJudgedAndDeleted() {
        val judged = mutableListOf<Judgement>()
        assertTrue(shoot(photograph()) { file -> judged += golden(1).judgePhotograph { file.inputStream() } }.isEmpty())
        assertEquals(listOf(Golden.images[1].getString("verdict")), judged.map { it.verdict.text })
    }

    @Test
    fun photographsAreDeletedWhereSomethingFails() {
        val none = File.createTempFile("shot", ".jpg")
        assertEquals(listOf("no camera"), shoot(none) { error("there is no photograph") }.map { it.message })
        assertThrows(IllegalStateException::class.java) { shoot(photograph()) { error("crash") } }
    }

    /** Y 81, U 90, V 240, which is the contract's example of step 1a, with interleaved U and V. */
    private class Frame(override val format: Int = ImageFormat.YUV_420_888) : ImageProxy {
        var closed = 0
        override val width = 400
        override val height = 300
        private val chroma = ByteBuffer.allocateDirect(400 * 150).apply { repeat(400 * 75) { put(90).put(240.toByte()) } }
        override val planes: Array<ImageProxy.PlaneProxy> = arrayOf(
            Plane(ByteBuffer.allocateDirect(400 * 300).apply { repeat(400 * 300) { put(81) } }, 1),
            Plane(chroma.duplicate().apply { position(0).limit(400 * 150 - 1) }.slice(), 2),
            Plane(chroma.duplicate().apply { position(1).limit(400 * 150) }.slice(), 2),
        )
        override val imageInfo = object : ImageInfo {
            override val rotationDegrees = 90
        }

        override fun close() {
            closed++
        }

        class Plane(override val buffer: ByteBuffer, override val pixelStride: Int) : ImageProxy.PlaneProxy {
            override val rowStride = 400
        }
    }

    @Test
    fun framesAreUprightRgb() {
        val image = upright(Frame())
        assertEquals(listOf(300, 400), listOf(image.width, image.height))
        assertEquals(listOf(238, 14, 14), image.pixels.take(3).map { it.toInt() and 255 })
        assertEquals(
            "frame: format 1; use OUTPUT_IMAGE_FORMAT_YUV_420_888",
            assertThrows(MimError::class.java) { upright(Frame(1)) }.message,
        )
    }

    @Test
    fun oneFrameIsJudgedForEachRequest() {
        val judged = mutableListOf<Judgement>()
        val frames = FrameAnalyzer(golden(1), judged::add)
        val images = List(5) { Frame() }
        for ((i, image) in images.withIndex()) {
            if (i == 1 || i == 3) frames.request()
            frames.analyze(image)
        }
        assertEquals(2, judged.size)
        assertTrue(images.all { it.closed == 1 })
        frames.request()
        val other = Frame(1)
        assertThrows(MimError::class.java) { frames.analyze(other) }
        assertEquals(1, other.closed)
        assertEquals(Verdict.entries.first { it.text == Golden.images[1].getString("verdict") }, judged[0].verdict)
    }
}
