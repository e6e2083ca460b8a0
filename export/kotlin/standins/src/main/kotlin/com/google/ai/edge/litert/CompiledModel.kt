/** LiteRT's Kotlin types that `mim-android` uses, over LiteRT's shared library for Linux. */
package com.google.ai.edge.litert

import android.content.res.AssetManager
import io.github.mimtf.LiteRt
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

enum class Accelerator { NONE, CPU, GPU, NPU }

class TensorBuffer(private val closed: () -> Unit) : AutoCloseable {
    internal var content = ByteArray(0)

    fun writeInt8(data: ByteArray) {
        content = data.copyOf()
    }

    fun readInt8(): ByteArray = content.copyOf()

    fun readInt(): IntArray = words().asIntBuffer().let { buffer -> IntArray(buffer.remaining()) { buffer[it] } }

    fun readFloat(): FloatArray = words().asFloatBuffer().let { buffer -> FloatArray(buffer.remaining()) { buffer[it] } }

    private fun words() = ByteBuffer.wrap(content).order(ByteOrder.nativeOrder())

    override fun close() {
        content = ByteArray(0)
        closed()
    }
}

class CompiledModel private constructor(content: ByteArray) : AutoCloseable {
    class Options(vararg val accelerators: Accelerator)

    private val model = LiteRt(content)

    /** How many buffers can be created until that fails. */
    var buffers = Int.MAX_VALUE

    /** Buffers that are not closed. */
    var open = 0
        private set
    var closed = false
        private set

    private fun buffer(): TensorBuffer {
        check(open < buffers) { "no memory" }
        open++
        return TensorBuffer { open-- }
    }

    @Suppress("UNUSED_PARAMETER")
    fun createInputBuffer(inputName: String, signature: String) = buffer()

    @Suppress("UNUSED_PARAMETER")
    fun createOutputBuffer(outputName: String, signature: String) = buffer()

    fun run(inputs: Map<String, TensorBuffer>, outputs: Map<String, TensorBuffer>, signature: String) {
        val found = model.run(signature, inputs.getValue("image").content)
        check(outputs.keys == found.keys) { "LiteRT needs a buffer for each output" }
        for ((name, target) in outputs) target.content = found.getValue(name)
    }

    override fun close() {
        closed = true
    }

    companion object {
        fun create(filePath: String, options: Options): CompiledModel {
            check(options.accelerators.toList() == listOf(Accelerator.CPU))
            return CompiledModel(File(filePath).readBytes())
        }

        fun create(assetManager: AssetManager, assetName: String, options: Options): CompiledModel {
            check(options.accelerators.toList() == listOf(Accelerator.CPU))
            return CompiledModel(assetManager.open(assetName).use { it.readBytes() })
        }
    }
}
