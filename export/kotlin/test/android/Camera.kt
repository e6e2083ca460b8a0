package androidx.camera.core

import java.io.File
import java.util.concurrent.Executor

class ImageCaptureException(message: String) : Exception(message)

/** Stands in for CameraX: a photograph is in the file already, or is not. */
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
        if (options.file.exists()) callback.onImageSaved(OutputFileResults())
        else callback.onError(ImageCaptureException("no camera"))
    }
}
