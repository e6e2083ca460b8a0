package io.github.mimtf.android

import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import io.github.mimtf.ExplainOutputs
import io.github.mimtf.MimBundle
import io.github.mimtf.MimError
import io.github.mimtf.Outputs
import io.github.mimtf.Runner
import java.io.File
import java.io.IOException

/**
 * Runs `mim.tflite` with the class `CompiledModel` of LiteRT 2. Not thread-safe.
 *
 * Example: `CompiledModelRunner(bundle, File(context.noBackupFilesDir, "mim.tflite")) { CompiledModel.create(it.path,
 * CompiledModel.Options(Accelerator.CPU)) }`. Only the CPU is verified: other accelerators may compute in float16.
 *
 * @param bundle the bundle; its model is read and its sha256 checked.
 * @param file where the checked model is written, because LiteRT opens models by their path. A file of the app alone,
 *   which no other runner uses.
 * @param create loads the model from [file]. The runner closes it.
 * @throws io.github.mimtf.MimError the model is missing or damaged, the file cannot be written, or LiteRT fails or is
 *   missing; its calls throw it too.
 */
class CompiledModelRunner(bundle: MimBundle, file: File, create: (File) -> CompiledModel) : Runner, AutoCloseable {
    /** The buffers of a signature. LiteRT needs one for each output, read or not. */
    private class Signature(val input: TensorBuffer, val outputs: Map<String, TensorBuffer>)

    /** What [close] closes, the newest first: the model after its buffers. */
    private val opened = ArrayDeque<AutoCloseable>()
    private val model: CompiledModel
    private val signatures: Map<String, Signature>

    init {
        val content = bundle.model("mim.tflite")
        try {
            file.writeBytes(content)
        } catch (error: IOException) {
            throw MimError(file.name, "cannot be written (${error.message})", "give a file that the app may write")
        }
        try {
            model = litert { create(file) }.also(opened::addFirst)
            signatures = mapOf("verdict" to VERDICT, "explain" to EXPLAIN).mapValues { (name, outputs) ->
                litert { signature(name, outputs) }
            }
        } catch (error: MimError) {
            close()
            throw error
        }
    }

    private fun signature(name: String, outputs: List<String>): Signature {
        val input = model.createInputBuffer("image", name).also(opened::addFirst)
        return Signature(input, outputs.associateWith { model.createOutputBuffer(it, name).also(opened::addFirst) })
    }

    override fun verdict(image: ByteArray): Outputs = outputs(run("verdict", image))

    override fun explain(image: ByteArray): ExplainOutputs {
        val found = run("explain", image)
        val (ssim, errors) = listOf("ssim", "error_map").map { found.getValue(it).readFloat() }
        return ExplainOutputs(outputs(found), ssim[0], found.getValue("inpainted").readInt8(), errors)
    }

    private fun run(name: String, image: ByteArray): Map<String, TensorBuffer> = signatures.getValue(name).run {
        litert {
            input.writeInt8(image)
            model.run(mapOf("image" to input), outputs, name)
        }
        outputs
    }

    private fun outputs(found: Map<String, TensorBuffer>): Outputs {
        val (similarity, own, other) = NUMBERS.map { found.getValue(it).readFloat()[0] }
        val (verdict, reason) = CODES.map { found.getValue(it).readInt()[0] }
        return Outputs(similarity, own, other, verdict, reason)
    }

    override fun close() {
        for (resource in opened) resource.close()
        opened.clear()
    }

    private companion object {
        val NUMBERS = listOf("similarity", "p_class", "p_other")
        val CODES = listOf("verdict", "reason")
        val VERDICT = NUMBERS + CODES + "novelty"
        val EXPLAIN = VERDICT + listOf("ssim", "inpainted", "error_map")
    }
}
