package io.github.mimtf.android

import java.nio.Buffer

/** `rewind` of `Buffer`, since `ByteBuffer` has one of its own only from Android 14 on. */
internal fun Buffer.toStart() {
    rewind()
}
