/** The numbers that the Android plugin makes for the resources of the sample, of which this has those that its code uses. */
package io.github.mimtf.sample

object R {
    object id {
        const val allow = 1
        const val explanation = 2
        const val no_camera = 3
        const val pick = 4
        const val preview = 5
        const val progress = 6
        const val shoot = 7
        const val verdict = 8
    }

    object layout {
        const val main = 9
    }

    object string {
        const val blank = 10
        const val blurred = 11
        const val mpox_like = 12
        const val no_photograph = 13
        const val not_mpox_like = 14
        const val not_skin = 15
        const val ready = 16
        const val too_large = 17
        const val too_small = 18
        const val undecided = 19
        const val unreadable = 20
        const val working = 21
    }
}
