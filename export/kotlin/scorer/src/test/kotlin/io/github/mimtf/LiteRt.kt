package io.github.mimtf

import com.sun.jna.Memory
import com.sun.jna.NativeLibrary
import com.sun.jna.Pointer
import com.sun.jna.ptr.LongByReference
import com.sun.jna.ptr.PointerByReference

/**
 * LiteRT's C interface, of the shared library in the Python package `ai-edge-litert`; Android's own library does not
 * run here. CPU (XNNPACK) only. What it allocates lives as long as the process.
 *
 * @param model content of a TFLite file.
 */
class LiteRt(model: ByteArray) {
    private val library = NativeLibrary.getInstance(System.getenv("LITERT"))
    // The model reads it for as long as it lives.
    private val content = Memory(model.size.toLong()).apply { write(0, model, 0, model.size) }
    private val environment = create { call("CreateEnvironment", 0, null, it) }
    private val loaded = create { call("CreateModelFromBuffer", environment, content, model.size.toLong(), it) }
    private val signatures: Map<String, Signature>
    private val compiled: Pointer

    private class Tensor(val name: String, val buffer: Pointer, val bytes: Int)

    private class Signature(val index: Long, val inputs: List<Tensor>, val outputs: List<Tensor>)

    init {
        signatures = (0 until count("NumModelSignatures", loaded)).associate { index ->
            val found = handle("ModelSignature", loaded, index)
            text("SignatureKey", found) to Signature(index, tensors(found, "Input"), tensors(found, "Output"))
        }
        val options = create { call("CreateOptions", it) }
        call("SetOptionsHardwareAccelerators", options, CPU)
        compiled = create { call("CreateCompiledModel", environment, loaded, options, it) }
    }

    /** Runs a signature on its only input; outputs by name, as bytes. */
    fun run(signature: String, input: ByteArray): Map<String, ByteArray> = signatures.getValue(signature).run {
        locked(inputs.single(), WRITE) { it.write(0, input, 0, input.size) }
        val (sources, targets) = listOf(inputs, outputs).map { tensors ->
            Memory(8L * tensors.size).apply { write(0, tensors.map { it.buffer }.toTypedArray(), 0, tensors.size) }
        }
        call("RunCompiledModel", compiled, index, inputs.size.toLong(), sources, outputs.size.toLong(), targets)
        outputs.associate { tensor -> tensor.name to locked(tensor, READ) { it.getByteArray(0, tensor.bytes) } }
    }

    private fun tensors(signature: Pointer, kind: String) = List(count("NumSignature${kind}s", signature).toInt()) {
        val tensor = handle("Signature${kind}TensorByIndex", signature, it.toLong())
        val type = Memory(TYPE_BYTES)
        call("GetRankedTensorType", tensor, type)
        val elements = (0 until (type.getInt(4) and 127)).fold(1) { product, i -> product * type.getInt(8L + 4 * i) }
        val bytes = elements * if (type.getInt(0) in WIDE) 4 else 1
        val buffer = create { call("CreateManagedTensorBuffer", environment, HOST, type, bytes.toLong(), it) }
        Tensor(text("Signature${kind}Name", signature, it.toLong()), buffer, bytes)
    }

    private fun <T> locked(tensor: Tensor, mode: Int, use: (Pointer) -> T): T {
        val address = create { call("LockTensorBuffer", tensor.buffer, it, mode) }
        return use(address).also { call("UnlockTensorBuffer", tensor.buffer) }
    }

    private fun call(name: String, vararg arguments: Any?) {
        val status = library.getFunction("LiteRt$name").invokeInt(arguments)
        check(status == 0) { "LiteRt$name: status $status" }
    }

    private fun create(make: (PointerByReference) -> Unit): Pointer = PointerByReference().also(make).value

    private fun handle(name: String, of: Pointer, i: Long) = create { call("Get$name", of, i, it) }

    private fun count(name: String, of: Pointer) = LongByReference().also { call("Get$name", of, it) }.value

    private fun text(name: String, of: Pointer, vararg i: Long): String =
        create { call("Get$name", of, *i.toTypedArray(), it) }.getString(0)

    private companion object {
        const val CPU = 1
        const val HOST = 1
        const val READ = 0
        const val WRITE = 1
        /** Size of `LiteRtRankedTensorType`: element type, rank, eight dimensions, eight strides. */
        const val TYPE_BYTES = 72L
        /** `float32` and `int32`; the others of these models have one byte. */
        val WIDE = listOf(1, 2)
    }
}
