package io.github.mimtf.android

import io.github.mimtf.ExplainOutputs
import io.github.mimtf.MimBundle
import io.github.mimtf.Outputs
import io.github.mimtf.Runner
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import org.tensorflow.lite.Interpreter

/**
 * Runs `mim.tflite` with the class `Interpreter` of LiteRT or TensorFlow Lite, on the CPU. Not thread-safe.
 *
 * Example: `InterpreterRunner(bundle).use { Scorer(bundle, it).judge(photo) }`.
 *
 * @param bundle the bundle; its model is read and its sha256 checked.
 * @param threads number of threads, at least 1.
 * @throws io.github.mimtf.MimError the model is missing or damaged, or LiteRT fails or is missing; its calls throw it too.
 */
class InterpreterRunner(bundle: MimBundle, threads: Int = 2) : Runner, AutoCloseable {
    private val model = bundle.model("mim.tflite").let { direct(it.size).put(it).apply { toStart() } }
    private val interpreter = litert { Interpreter(model, Interpreter.Options().setNumThreads(threads)) }
    private val input = direct(3 * bundle.size * bundle.size)
    private val numbers = listOf("similarity", "p_class", "p_other").associateWith { FloatArray(1) }
    private val codes = listOf("verdict", "reason").associateWith { IntArray(1) }

    override fun verdict(image: ByteArray): Outputs = run("verdict", image, emptyMap())

    override fun explain(image: ByteArray): ExplainOutputs {
        val (inpainted, errors) = Pair(ByteBuffer.allocate(image.size), FloatBuffer.allocate(image.size / 3))
        val ssim = FloatArray(1)
        val more = mapOf("ssim" to ssim, "inpainted" to inpainted, "error_map" to errors)
        return ExplainOutputs(run("explain", image, more), ssim[0], inpainted.array(), errors.array())
    }

    private fun run(signature: String, image: ByteArray, more: Map<String, Any>): Outputs {
        input.toStart()
        input.put(image).toStart()
        litert { interpreter.runSignature(mapOf<String, Any>("image" to input), numbers + codes + more, signature) }
        val (similarity, own, other) = numbers.values.map { it[0] }
        val (verdict, reason) = codes.values.map { it[0] }
        return Outputs(similarity, own, other, verdict, reason)
    }

    override fun close() = interpreter.close()

    private fun direct(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
}
