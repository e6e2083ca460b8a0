package android.net

import java.io.File

class Uri private constructor(val file: File) {
    override fun toString() = "file://$file"

    companion object {
        fun fromFile(file: File) = Uri(file)
    }
}
