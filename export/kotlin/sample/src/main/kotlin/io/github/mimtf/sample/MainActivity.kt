package io.github.mimtf.sample

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.view.View
import android.widget.Button
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.view.CameraController
import androidx.camera.view.LifecycleCameraController
import androidx.camera.view.PreviewView
import io.github.mimtf.Judgement
import io.github.mimtf.Reason
import io.github.mimtf.Verdict
import java.util.concurrent.ExecutionException

/** What the camera does; [text] is shown in the place of the preview. */
private enum class CameraState(val text: Int?) {
    NOT_ALLOWED(R.string.camera_not_allowed),
    STARTING(null),
    READY(null),
    NONE(R.string.camera_none),
    FAILED(R.string.camera_failed),
}

/** The only screen: the camera's preview, two buttons, the verdict, and the statement that it is no diagnosis. */
class MainActivity : ComponentActivity() {
    private val judging get() = (application as SampleApp).judging
    private lateinit var camera: LifecycleCameraController
    private var cameraState = CameraState.NOT_ALLOWED
        set(value) {
            field = value
            show(judging.state)
        }

    private val permission = registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
        if (granted) {
            startCamera()
        } else if (!shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
            // After the second refusal Android does not ask again: only the settings of the app allow it.
            val app = Uri.fromParts("package", packageName, null)
            startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app))
        }
    }

    private val picker = registerForActivityResult(ActivityResultContracts.PickVisualMedia()) { uri ->
        if (uri != null) judging.judge(uri)
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.main)
        camera = LifecycleCameraController(this)
        camera.setEnabledUseCases(CameraController.IMAGE_CAPTURE)
        findViewById<PreviewView>(R.id.preview).controller = camera
        findViewById<Button>(R.id.shoot).setOnClickListener { judging.shoot(camera) }
        findViewById<Button>(R.id.pick).setOnClickListener {
            picker.launch(PickVisualMediaRequest(ActivityResultContracts.PickVisualMedia.ImageOnly))
        }
        findViewById<Button>(R.id.allow).setOnClickListener { permission.launch(Manifest.permission.CAMERA) }
    }

    override fun onStart() {
        super.onStart()
        judging.observer = ::show
        show(judging.state)
        // Here, since the user may come back from the settings.
        if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) startCamera()
    }

    override fun onStop() {
        judging.observer = null
        super.onStop()
    }

    /** Until CameraX is initialized, it throws if it is asked for a camera or a photograph. */
    private fun startCamera() {
        if (cameraState != CameraState.NOT_ALLOWED) return
        cameraState = CameraState.STARTING
        camera.initializationFuture.addListener({ cameraState = boundCamera() }, { runOnUiThread(it) })
    }

    /**
     * Binds the back camera, or the front camera of a device that has no other. The controller stops the camera when the
     * activity stops, and turns photographs as the phone is held.
     */
    private fun boundCamera(): CameraState = try {
        camera.initializationFuture.get()
        val found = listOf(CameraSelector.DEFAULT_BACK_CAMERA, CameraSelector.DEFAULT_FRONT_CAMERA)
            .firstOrNull { camera.hasCamera(it) }
        if (found == null) {
            CameraState.NONE
        } else {
            camera.cameraSelector = found
            camera.bindToLifecycle(this)
            CameraState.READY
        }
    } catch (error: ExecutionException) { // the initialization failed
        CameraState.FAILED
    } catch (error: RuntimeException) { // the camera could not be bound
        CameraState.FAILED
    }

    private fun visible(shown: Boolean) = if (shown) View.VISIBLE else View.GONE

    private fun show(state: State) {
        val idle = state != State.Loading && state != State.Working
        val problem = cameraState.text
        for (id in listOf(R.id.preview, R.id.shoot)) findViewById<View>(id).visibility = visible(problem == null)
        findViewById<View>(R.id.allow).visibility = visible(cameraState == CameraState.NOT_ALLOWED)
        findViewById<TextView>(R.id.no_camera).run {
            visibility = visible(problem != null)
            text = problem?.let(::getString)
        }
        findViewById<View>(R.id.shoot).isEnabled = idle && cameraState == CameraState.READY
        findViewById<View>(R.id.pick).isEnabled = idle
        findViewById<View>(R.id.progress).visibility = visible(!idle)
        val (title, text) = when (state) {
            State.Loading -> "" to getString(R.string.loading)
            State.Ready -> "" to getString(R.string.ready)
            State.Working -> "" to getString(R.string.working)
            is State.Done -> getString(title(state.judgement.verdict)) to explanation(state.judgement)
            is State.Failed -> "" to (state.message ?: getString(R.string.no_photograph))
        }
        findViewById<TextView>(R.id.verdict).text = title
        findViewById<TextView>(R.id.explanation).text = text
        findViewById<TextView>(R.id.statement).text = judging.bundle?.statement
        // An app that keeps verdicts keeps this id with each of them.
        findViewById<TextView>(R.id.model).text = judging.bundle?.let { getString(R.string.model, it.modelId) }
    }

    private fun title(verdict: Verdict): Int = when (verdict) {
        Verdict.MPOX_LIKE -> R.string.title_mpox_like
        Verdict.NOT_MPOX_LIKE -> R.string.title_not_mpox_like
        Verdict.UNDECIDED -> R.string.title_undecided
        Verdict.CANNOT_JUDGE -> R.string.title_cannot_judge
    }

    private fun explanation(judgement: Judgement): String = when (judgement.verdict) {
        Verdict.MPOX_LIKE -> getString(R.string.mpox_like)
        Verdict.NOT_MPOX_LIKE -> getString(R.string.not_mpox_like)
        Verdict.UNDECIDED -> getString(R.string.undecided)
        Verdict.CANNOT_JUDGE -> getString(
            when (judgement.reason) {
                Reason.BLANK -> R.string.blank
                Reason.BLURRED -> R.string.blurred
                Reason.NOT_SKIN -> R.string.not_skin
                Reason.TOO_SMALL -> R.string.too_small
                Reason.TOO_LARGE -> R.string.too_large
                Reason.UNREADABLE, null -> R.string.unreadable
            },
        )
    }
}
