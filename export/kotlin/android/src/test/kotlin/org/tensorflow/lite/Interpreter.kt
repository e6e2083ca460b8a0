package org.tensorflow.lite

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import io.github.mimtf.LiteRt

/**
 * Replaces the class of LiteRT's Android library, whose native code does not run on Linux. As there, buffers are written from their position on.
 */
class Interpreter(model: ByteBuffer, options: Options) : AutoCloseable {
    class Options {
        var threads = 0

        fun setNumThreads(count: Int) = apply { threads = count }
    }

    private val content: ByteArray
    private var closed = false

    init {
        check(model.isDirect && model.order() == ByteOrder.nativeOrder() && options.threads > 0)
        content = ByteArray(model.remaining()).also { model.duplicate().get(it) }
    }

    private val model = LiteRt(content)

    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, signature: String) {
        check(!closed)
        val image = inputs.getValue("image") as ByteBuffer
        val found = model.run(signature, ByteArray(image.remaining()).also { image.duplicate().get(it) })
        for ((name, target) in outputs) {
            val source = ByteBuffer.wrap(found.getValue(name)).order(ByteOrder.nativeOrder())
            when (target) {
                is ByteBuffer -> target.put(source)
                is FloatBuffer -> target.put(source.asFloatBuffer())
                is FloatArray -> source.asFloatBuffer().get(target)
                is IntArray -> source.asIntBuffer().get(target)
                else -> error("$name: another type")
            }
        }
    }

    override fun close() {
        closed = true
    }
}
