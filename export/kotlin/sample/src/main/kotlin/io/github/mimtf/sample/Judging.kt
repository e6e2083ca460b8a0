package io.github.mimtf.sample

import android.content.Context
import android.net.Uri
import android.os.Handler
import android.os.Looper
import androidx.camera.core.ImageCapture
import androidx.camera.view.CameraController
import io.github.mimtf.Judgement
import io.github.mimtf.MimBundle
import io.github.mimtf.MimError
import io.github.mimtf.Scorer
import io.github.mimtf.android.InterpreterRunner
import io.github.mimtf.android.PhotographCallback
import io.github.mimtf.android.judgePhotograph
import java.io.File
import java.io.InputStream
import java.util.concurrent.Executors

/** What the screen shows. */
sealed interface State {
    /** No photograph yet. */
    data object Ready : State

    /** A photograph is being taken or judged. */
    data object Working : State

    /** A photograph was judged. */
    class Done(val judgement: Judgement) : State

    /** There is no result; [message] is one line for developers, or null if the camera failed. */
    class Failed(val message: String?) : State
}

/**
 * Judges photographs, one at a time, on a thread of its own. Its methods are called on the main thread.
 *
 * @param context the application.
 */
class Judging(private val context: Context) {
    private val worker = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private val photograph = File(context.cacheDir, "photograph.jpg")
    private val bundle by lazy { MimBundle { context.assets.open("mim/$it") } }
    private val scorer by lazy { Scorer(bundle, InterpreterRunner(bundle)) } // used on the worker only

    /** Gets each new state, on the main thread; null while no activity is visible. */
    var observer: ((State) -> Unit)? = null

    /** The current state. */
    var state: State = State.Ready
        private set(value) {
            field = value
            observer?.invoke(value)
        }

    init {
        photograph.delete() // it remains if Android ended the app while one was judged
    }

    /** Judges a photograph that the user has picked. */
    fun judge(uri: Uri) {
        if (state == State.Working) return
        state = State.Working
        worker.execute { finish { context.contentResolver.openInputStream(uri) } }
    }

    /** Takes a photograph, judges it and deletes it. */
    fun shoot(camera: CameraController) {
        if (state == State.Working) return
        state = State.Working
        val callback = PhotographCallback(photograph, { finish { it.inputStream() } }, { show(State.Failed(null)) })
        camera.takePicture(ImageCapture.OutputFileOptions.Builder(photograph).build(), worker, callback)
    }

    private fun finish(open: () -> InputStream?) {
        val found = try {
            State.Done(scorer.judgePhotograph(open))
        } catch (error: MimError) { // a bundle that is damaged or of another version
            State.Failed(error.message)
        }
        show(found)
    }

    private fun show(found: State) {
        main.post { state = found }
    }
}
