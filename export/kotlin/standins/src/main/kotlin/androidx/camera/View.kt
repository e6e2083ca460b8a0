/** CameraX's types that the sample uses. As in CameraX, most functions fail before its initialization is done. */
package androidx.camera.view

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageCapture
import androidx.lifecycle.LifecycleOwner
import com.google.common.util.concurrent.ListenableFuture
import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor

abstract class CameraController {
    private class Initialization : CompletableFuture<Void>(), ListenableFuture<Void> {
        override fun addListener(listener: Runnable, executor: Executor) {
            whenComplete { _, _ -> executor.execute(listener) }
        }
    }

    val initializationFuture: ListenableFuture<Void> = Initialization()
    var cameraSelector: CameraSelector = CameraSelector.DEFAULT_BACK_CAMERA

    @Suppress("UNUSED_PARAMETER")
    fun setEnabledUseCases(enabledUseCases: Int) = Unit

    @Suppress("UNUSED_PARAMETER")
    fun hasCamera(cameraSelector: CameraSelector): Boolean {
        initialized()
        return true
    }

    fun takePicture(
        options: ImageCapture.OutputFileOptions,
        executor: Executor,
        callback: ImageCapture.OnImageSavedCallback,
    ) {
        initialized()
        ImageCapture().takePicture(options, executor, callback)
    }

    private fun initialized() = check(initializationFuture.isDone) { "Camera not initialized." }

    companion object {
        const val IMAGE_CAPTURE = 1
    }
}

@Suppress("UNUSED_PARAMETER")
class LifecycleCameraController(context: Context) : CameraController() {
    fun bindToLifecycle(lifecycleOwner: LifecycleOwner) = Unit
}

class PreviewView(context: Context, attributes: AttributeSet?) : FrameLayout(context, attributes) {
    var controller: CameraController? = null
}
