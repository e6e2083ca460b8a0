/** Stands in for Android: a document's path is that of a file, and assets are files of the bundle under test. */
package android.content

import android.net.Uri
import java.io.InputStream
import mim.Golden

open class ContentResolver {
    open fun openInputStream(uri: Uri): InputStream? = uri.file.inputStream()
}

class Assets {
    fun open(name: String): InputStream = Golden.folder.resolve(name.removePrefix("mim/")).inputStream()
}

class Context(val contentResolver: ContentResolver) {
    val assets = Assets()
}
