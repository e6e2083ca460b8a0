/** AndroidX's activity: a lifecycle, and results of other activities. */
package androidx.activity

import android.app.Activity
import androidx.activity.result.ActivityResultLauncher
import androidx.activity.result.contract.ActivityResultContract
import androidx.lifecycle.LifecycleOwner

open class ComponentActivity : Activity(), LifecycleOwner {
    @Suppress("UNUSED_PARAMETER")
    fun <I, O> registerForActivityResult(contract: ActivityResultContract<I, O>, callback: (O) -> Unit) =
        ActivityResultLauncher<I>()
}
