/** The numbers that the Android plugin makes for the resources of the sample, of which this has those that its code uses. */
package io.github.mimtf.sample

object R {
    object id {
        const val allow = 1
        const val explanation = 2
        const val model = 3
        const val no_camera = 4
        const val pick = 5
        const val preview = 6
        const val progress = 7
        const val shoot = 8
        const val statement = 9
        const val verdict = 10
    }

    object layout {
        const val main = 11
    }

    object string {
        const val blank = 12
        const val blurred = 13
        const val camera_failed = 14
        const val camera_none = 15
        const val camera_not_allowed = 16
        const val loading = 17
        const val model = 18
        const val mpox_like = 19
        const val no_photograph = 20
        const val not_mpox_like = 21
        const val not_skin = 22
        const val ready = 23
        const val title_cannot_judge = 24
        const val title_mpox_like = 25
        const val title_not_mpox_like = 26
        const val title_undecided = 27
        const val too_large = 28
        const val too_small = 29
        const val undecided = 30
        const val unreadable = 31
        const val working = 32
    }
}
