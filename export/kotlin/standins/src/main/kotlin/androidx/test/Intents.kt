/** Robolectric reports intents here. */
package androidx.test.runner.intent

interface IntentMonitor

object IntentMonitorRegistry {
    @JvmStatic
    @Suppress("UNUSED_PARAMETER")
    fun registerInstance(monitor: IntentMonitor) = Unit
}

object IntentStubberRegistry {
    @JvmStatic
    fun isLoaded(): Boolean = false
}
