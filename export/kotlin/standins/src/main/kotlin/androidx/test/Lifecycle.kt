/** Robolectric reports the stages of activities and of the application here. */
package androidx.test.runner.lifecycle

import android.app.Activity

enum class Stage { PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED }

enum class ApplicationStage { PRE_ON_CREATE, CREATED }

interface ActivityLifecycleCallback {
    fun onActivityLifecycleChanged(activity: Activity, stage: Stage)
}

interface ActivityLifecycleMonitor

interface ApplicationLifecycleMonitor

object ActivityLifecycleMonitorRegistry {
    private lateinit var found: ActivityLifecycleMonitor

    @JvmStatic
    fun registerInstance(monitor: ActivityLifecycleMonitor) {
        found = monitor
    }

    @JvmStatic
    fun getInstance(): ActivityLifecycleMonitor = found
}

object ApplicationLifecycleMonitorRegistry {
    @JvmStatic
    @Suppress("UNUSED_PARAMETER")
    fun registerInstance(monitor: ApplicationLifecycleMonitor) = Unit
}
