/** CameraX's types that `mim-android` uses. A photograph is in the file already, or is not. */
package androidx.camera.core

import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.Executor

class ImageCaptureException(val imageCaptureError: Int, message: String, cause: Throwable?) : Exception(message, cause)

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
    fun getRotationDegrees(): Int
}

interface ImageProxy : AutoCloseable {
    interface PlaneProxy {
        fun getRowStride(): Int
        fun getPixelStride(): Int
        fun getBuffer(): ByteBuffer
    }

    fun getWidth(): Int
    fun getHeight(): Int
    fun getFormat(): Int
    fun getPlanes(): Array<PlaneProxy>
    fun getImageInfo(): ImageInfo
    override fun close()
}

object ImageAnalysis {
    interface Analyzer {
        fun analyze(image: ImageProxy)
    }
}
