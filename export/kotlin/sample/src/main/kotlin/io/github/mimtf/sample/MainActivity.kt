package io.github.mimtf.sample

import android.Manifest
import android.content.pm.PackageManager
import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.view.CameraController
import androidx.camera.view.LifecycleCameraController
import androidx.camera.view.PreviewView
import io.github.mimtf.Judgement
import io.github.mimtf.Reason
import io.github.mimtf.Verdict

/** The only screen: the camera's preview, two buttons, the verdict, and the statement that it is no diagnosis. */
class MainActivity : ComponentActivity() {
    private val judging get() = (application as SampleApp).judging
    private lateinit var camera: LifecycleCameraController

    private val permission = registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
        if (granted) startCamera() else showCamera(false)
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
        if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) {
            startCamera()
        } else {
            showCamera(false)
        }
    }

    override fun onStart() {
        super.onStart()
        judging.observer = ::show
        show(judging.state)
    }

    override fun onStop() {
        judging.observer = null
        super.onStop()
    }

    /** The controller stops the camera when the activity stops, and turns photographs as the phone is held. */
    private fun startCamera() {
        camera.bindToLifecycle(this)
        showCamera(true)
    }

    private fun showCamera(allowed: Boolean) {
        for (id in listOf(R.id.preview, R.id.shoot)) findViewById<View>(id).visibility = visible(allowed)
        for (id in listOf(R.id.no_camera, R.id.allow)) findViewById<View>(id).visibility = visible(!allowed)
    }

    private fun visible(shown: Boolean) = if (shown) View.VISIBLE else View.GONE

    private fun show(state: State) {
        val working = state == State.Working
        for (id in listOf(R.id.shoot, R.id.pick)) findViewById<View>(id).isEnabled = !working
        findViewById<View>(R.id.progress).visibility = visible(working)
        val (title, text) = when (state) {
            State.Ready -> "" to getString(R.string.ready)
            State.Working -> "" to getString(R.string.working)
            is State.Done -> state.judgement.verdict.text to explanation(state.judgement)
            is State.Failed -> "" to (state.message ?: getString(R.string.no_photograph))
        }
        findViewById<TextView>(R.id.verdict).text = title
        findViewById<TextView>(R.id.explanation).text = text
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
