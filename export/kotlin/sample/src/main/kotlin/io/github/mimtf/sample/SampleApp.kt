package io.github.mimtf.sample

import android.app.Application

/** Holds what outlives an activity, which Android creates again when the phone is turned. */
class SampleApp : Application() {
    /** The model, and the state of the last photograph. */
    val judging: Judging by lazy { Judging(this) }
}
