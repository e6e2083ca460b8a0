/** CameraX's types that the sample uses. */
package androidx.camera.view

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout
import androidx.camera.core.ImageCapture
import androidx.lifecycle.LifecycleOwner
import java.util.concurrent.Executor

abstract class CameraController {
    @Suppress("UNUSED_PARAMETER")
    fun setEnabledUseCases(enabledUseCases: Int) = Unit

    fun takePicture(
        options: ImageCapture.OutputFileOptions,
        executor: Executor,
        callback: ImageCapture.OnImageSavedCallback,
    ) = ImageCapture().takePicture(options, executor, callback)

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
