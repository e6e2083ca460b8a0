/** Robolectric registers its instrumentation here. */
package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
    private lateinit var found: Instrumentation

    @JvmStatic
    @Suppress("UNUSED_PARAMETER")
    fun registerInstance(instrumentation: Instrumentation?, arguments: Bundle?) {
        if (instrumentation != null) found = instrumentation
    }

    @JvmStatic
    fun getInstrumentation(): Instrumentation = found
}
