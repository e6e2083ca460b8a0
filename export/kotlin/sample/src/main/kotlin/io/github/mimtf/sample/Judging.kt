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
    /** The bundle is being loaded. */
    data object Loading : State

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

    // Used on the worker only. After a failure, the next photograph loads them again.
    private val loaded by lazy { MimBundle { context.assets.open("mim/$it") } }
    private val scorer by lazy { Scorer(loaded, InterpreterRunner(loaded)) }

    /** Gets each new state, on the main thread; null while no activity is visible. */
    var observer: ((State) -> Unit)? = null

    /** The bundle, with the statement to show and the id of the model; null until it is loaded. */
    var bundle: MimBundle? = null
        private set

    /** The current state. */
    var state: State = State.Loading
        private set(value) {
            field = value
            observer?.invoke(value)
        }

    init {
        photograph.delete() // it remains if Android ended the app while one was judged
        worker.execute {
            finish {
                scorer // loads the model before the first photograph
                State.Ready
            }
        }
    }

    private val busy get() = state == State.Loading || state == State.Working

    /** Judges a photograph that the user has picked. */
    fun judge(uri: Uri) {
        if (busy) return
        state = State.Working
        worker.execute { judge { context.contentResolver.openInputStream(uri) } }
    }

    /**
     * Takes a photograph, judges it and deletes it.
     *
     * @param camera initialized: CameraX throws otherwise.
     */
    fun shoot(camera: CameraController) {
        if (busy) return
        state = State.Working
        val failed = { main.post { state = State.Failed(null) } }
        val callback = PhotographCallback(photograph, { judge { it.inputStream() } }, { failed() })
        camera.takePicture(ImageCapture.OutputFileOptions.Builder(photograph).build(), worker, callback)
    }

    private fun judge(open: () -> InputStream?) = finish { State.Done(scorer.judgePhotograph(open)) }

    /** The runner reports failures of LiteRT as [MimError] too, such as a library that the phone cannot load. */
    private fun finish(work: () -> State) {
        val found = try {
            work()
        } catch (error: MimError) { // also a bundle that is damaged or of another version
            State.Failed(error.message)
        }
        val read = runCatching { loaded }.getOrNull()
        main.post {
            bundle = read
            state = found
        }
    }
}
