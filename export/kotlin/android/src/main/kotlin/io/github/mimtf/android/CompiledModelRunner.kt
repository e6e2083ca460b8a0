package io.github.mimtf.android

import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import io.github.mimtf.ExplainOutputs
import io.github.mimtf.MimBundle
import io.github.mimtf.Outputs
import io.github.mimtf.Runner

/**
 * Runs `mim.tflite` with the class `CompiledModel` of LiteRT 2. Not thread-safe.
 *
 * Example: `CompiledModelRunner(bundle, CompiledModel.create(context.assets, "mim/mim.tflite",
 * CompiledModel.Options(Accelerator.CPU)))`. Only the CPU is verified: other accelerators may compute in float16.
 *
 * @param bundle the bundle; the sha256 of its `mim.tflite` is checked.
 * @param model of this bundle's `mim.tflite`; closed with the runner.
 * @throws io.github.mimtf.MimError the bundle's model is missing or damaged.
 */
class CompiledModelRunner(bundle: MimBundle, private val model: CompiledModel) : Runner, AutoCloseable {
    /** The buffers of a signature. LiteRT needs one for each output, read or not. */
    private class Signature(model: CompiledModel, name: String, outputs: List<String>) {
        val input: TensorBuffer = model.createInputBuffer("image", name)
        val outputs: Map<String, TensorBuffer> = outputs.associateWith { model.createOutputBuffer(it, name) }
    }

    private val signatures =
        mapOf("verdict" to VERDICT, "explain" to EXPLAIN).mapValues { Signature(model, it.key, it.value) }

    init {
        bundle.model("mim.tflite")
    }

    override fun verdict(image: ByteArray): Outputs = outputs(run("verdict", image))

    override fun explain(image: ByteArray): ExplainOutputs {
        val found = run("explain", image)
        val (ssim, errors) = listOf("ssim", "error_map").map { found.getValue(it).readFloat() }
        return ExplainOutputs(outputs(found), ssim[0], found.getValue("inpainted").readInt8(), errors)
    }

    private fun run(name: String, image: ByteArray): Map<String, TensorBuffer> = signatures.getValue(name).run {
        input.writeInt8(image)
        model.run(mapOf("image" to input), outputs, name)
        outputs
    }

    private fun outputs(found: Map<String, TensorBuffer>): Outputs {
        val (similarity, own, other) = NUMBERS.map { found.getValue(it).readFloat()[0] }
        val (verdict, reason) = CODES.map { found.getValue(it).readInt()[0] }
        return Outputs(similarity, own, other, verdict, reason)
    }

    override fun close() {
        for (signature in signatures.values) (signature.outputs.values + signature.input).forEach { it.close() }
        model.close()
    }

    private companion object {
        val NUMBERS = listOf("similarity", "p_class", "p_other")
        val CODES = listOf("verdict", "reason")
        val VERDICT = NUMBERS + CODES + "novelty"
        val EXPLAIN = VERDICT + listOf("ssim", "inpainted", "error_map")
    }
}
