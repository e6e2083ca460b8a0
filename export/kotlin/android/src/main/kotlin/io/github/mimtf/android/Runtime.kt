package io.github.mimtf.android

import io.github.mimtf.MimError

/**
 * The result of a call of LiteRT. Its exceptions, and a native library that is missing or does not fit (a
 * [LinkageError]), become a [MimError], so that an app has one type to catch.
 */
internal inline fun <T> litert(call: () -> T): T = try {
    call()
} catch (error: Throwable) {
    if (error is MimError || error !is Exception && error !is LinkageError) throw error
    throw MimError("mim.tflite", "LiteRT failed ($error)", "add the LiteRT that the README of mim-android names")
        .apply { initCause(error) }
}
