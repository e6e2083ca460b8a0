/** CameraX's types that `mim-android` and the sample use. A photograph is in the file already, or is not. */
package androidx.camera.core

import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.Executor

class ImageCaptureException(val imageCaptureError: Int, message: String, cause: Throwable?) : Exception(message, cause)

class CameraSelector private constructor() {
    companion object {
        @JvmField
        val DEFAULT_BACK_CAMERA = CameraSelector()

        @JvmField
        val DEFAULT_FRONT_CAMERA = CameraSelector()
    }
}

class ImageCapture {
    class OutputFileOptions private constructor(val file: File) {
        class Builder(private val file: File) {
            fun build() = OutputFileOptions(file)
        }
    }

    class OutputFileResults

    interface OnImageSavedCallback {
        fun onImageSaved(outputFileResults: OutputFileResults)
        fun onError(exception: ImageCaptureException)
    }

    fun takePicture(options: OutputFileOptions, executor: Executor, callback: OnImageSavedCallback) = executor.execute {
        if (options.file.length() > 0) callback.onImageSaved(OutputFileResults())
        else callback.onError(ImageCaptureException(3, "no camera", null))
    }
}

interface ImageInfo {
    val rotationDegrees: Int
}

interface ImageProxy : AutoCloseable {
    interface PlaneProxy {
        val rowStride: Int
        val pixelStride: Int
        val buffer: ByteBuffer
    }

    val width: Int
    val height: Int
    val format: Int
    val planes: Array<PlaneProxy>
    val imageInfo: ImageInfo
    override fun close()
}

object ImageAnalysis {
    interface Analyzer {
        fun analyze(image: ImageProxy)
    }
}
