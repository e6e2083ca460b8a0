package io.github.mimtf.android

import android.graphics.ImageFormat
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageCapture
import androidx.camera.core.ImageCaptureException
import androidx.camera.core.ImageProxy
import io.github.mimtf.Judgement
import io.github.mimtf.MimError
import io.github.mimtf.MimImage
import io.github.mimtf.Scorer
import io.github.mimtf.YuvPlane
import io.github.mimtf.yuvToRgb
import java.io.File
import java.util.concurrent.atomic.AtomicBoolean

/**
 * Uses a photograph that CameraX has saved, and deletes its file in any case.
 *
 * Example: `capture.takePicture(OutputFileOptions.Builder(file).build(), executor, PhotographCallback(file, use, failed))`,
 * where `use` is `{ show(scorer.judgePhotograph { it.inputStream() }) }`. The executor has one thread, because a [Scorer]
 * is not thread-safe.
 *
 * @param file where CameraX saves the photograph, such as a file in `Context.cacheDir`.
 * @param use gets the file, on the executor. The file is deleted when it returns or throws.
 * @param failed gets CameraX's error if there is no photograph, on the executor.
 */
class PhotographCallback(
    private val file: File,
    private val use: (File) -> Unit,
    private val failed: (ImageCaptureException) -> Unit,
) : ImageCapture.OnImageSavedCallback {
    override fun onImageSaved(outputFileResults: ImageCapture.OutputFileResults) {
        try {
            use(file)
        } finally {
            file.delete()
        }
    }

    override fun onError(exception: ImageCaptureException) {
        file.delete()
        failed(exception)
    }
}

/**
 * Judges one frame of CameraX's image analysis for each call of [request]. Each frame that is judged is a photograph of
 * its own: alpha and beta hold for one photograph, so do not request frames until one gets a certain verdict.
 *
 * Example: `analysis.setAnalyzer(executor, frames)`, and `frames.request()` when the user presses a button. The format of
 * the analysis is `OUTPUT_IMAGE_FORMAT_YUV_420_888`, the default.
 *
 * @param scorer judges the frame, on the analyzer's executor.
 * @param judged gets the result, on the analyzer's executor.
 */
class FrameAnalyzer(private val scorer: Scorer, private val judged: (Judgement) -> Unit) : ImageAnalysis.Analyzer {
    private val wanted = AtomicBoolean()

    /** Judges the next frame. May be called on any thread. */
    fun request() = wanted.set(true)

    override fun analyze(image: ImageProxy) {
        val judgement = image.use { if (wanted.getAndSet(false)) scorer.judge(upright(it)) else null }
        if (judgement != null) judged(judgement)
    }
}

/**
 * The upright RGB image of a camera's frame.
 *
 * Example: a frame of 640 x 480 with a rotation of 90 degrees gives 480 x 640 pixels.
 *
 * All pixels of the frame are used, as of a photograph. `frame.cropRect`, which is smaller if the use cases are bound with a
 * `ViewPort`, is ignored: the preview then shows less than is judged.
 *
 * @param frame in `YUV_420_888`; not closed.
 * @throws MimError the format is another.
 */
fun upright(frame: ImageProxy): MimImage {
    if (frame.format != ImageFormat.YUV_420_888) {
        throw MimError("frame", "format ${frame.format}", "use OUTPUT_IMAGE_FORMAT_YUV_420_888")
    }
    val (y, u, v) = frame.planes.map { YuvPlane(it.buffer, it.rowStride, it.pixelStride) }
    return yuvToRgb(y, u, v, frame.width, frame.height, frame.imageInfo.rotationDegrees)
}
