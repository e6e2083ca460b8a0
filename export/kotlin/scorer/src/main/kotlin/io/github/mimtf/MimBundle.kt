package io.github.mimtf

import java.io.IOException
import java.io.InputStream
import java.security.MessageDigest
import kotlin.math.abs
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

private const val MANIFEST = "manifest.json"
private const val REMEDY = "copy the whole bundle into the app again"

/** The bundle format that this version reads. */
const val FORMAT = 4

/**
 * A bundle: its checked constants and its models.
 *
 * Example: `MimBundle { context.assets.open("mim/$it") }`, or `MimBundle { File(folder, it).inputStream() }`. For the
 * released bundle, `size` is 192, `masks?.size` 96 and `gate.minSide` 192.
 *
 * @param open opens a file of the bundle by its name.
 * @throws MimError the manifest is missing, damaged or of another format.
 */
class MimBundle(private val open: (String) -> InputStream) {
    private val manifest: JSONObject = manifest()

    /** Identifies `mim.tflite`: store it with a verdict. */
    val modelId: String = value { getString("model_id") }

    /** The text that an app shows with each verdict. */
    val statement: String = value { getString("statement") }

    /** Side S of the input image of `mim.tflite`, in pixels. */
    val size: Int = value { getInt("size") }

    /** The mask set; null if the method has no masks. */
    val masks: MaskSet? = value {
        if (isNull("mask_set")) null
        else getJSONObject("mask_set").run { MaskSet(getInt("size"), getInt("cell"), getInt("count"), getInt("step")) }
    }

    /** Limits of the gate. `minSide` applies to the photograph, in pixels. */
    val gate: Gate = value {
        getJSONObject("gate").run {
            val (contrast, detail) = listOf("min_contrast", "min_detail").map { getDouble(it).toFloat() }
            val maxNovelty = if (isNull("max_novelty")) null else getDouble("max_novelty").toFloat()
            Gate(contrast, detail, getInt("min_side"), maxNovelty)
        }
    }

    /** The conformal table of the class. */
    val calibration: ConformalTable = table("calibration")

    /** The class is excluded if [pClass] is at most alpha. */
    val alpha: Double = value { getJSONObject("calibration").getDouble("alpha") }

    /** The conformal table of other skin. It may be empty; then no photograph is `mpox-like`. */
    val reference: ConformalTable = table("reference")

    /** Other skin is excluded if [pOther] is at most beta. */
    val beta: Double = value { getJSONObject("reference").getDouble("beta") }

    init {
        demand(size in 1..MAX_SIZE, "size $size")
        demand(masks == null || size % masks.size == 0, "a mask set of another size")
        checkTable("calibration", calibration, 1f)
        checkTable("reference", reference, Float.MAX_VALUE)
        demand(calibration.groups > 0, "an empty calibration table")
        demand(alpha > 0 && alpha < 1, "alpha $alpha")
        demand(beta > 0 && beta < 1, "beta $beta")
        // The codes of the graph's outputs are indices into these lists.
        demand(words("verdicts") == Verdict.entries.map { it.text }, "other verdicts")
        demand(words("reasons") == listOf(null) + Reason.entries.map { it.text }, "other reasons")
    }

    /**
     * Reads a model and checks its sha256.
     *
     * @param name `mim.tflite` or `mim_micro.tflite`.
     * @return the content of the file.
     * @throws MimError the file is missing, or differs from the manifest.
     */
    fun model(name: String): ByteArray {
        val expected = manifest.optJSONObject("files")?.optJSONObject(name)?.optString("sha256")
            ?: throw MimError(MANIFEST, "does not list $name", REMEDY)
        val content = read(name)
        val found = MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }
        if (found != expected) throw MimError(name, "differs from its sha256 in $MANIFEST", REMEDY)
        return content
    }

    private fun manifest(): JSONObject {
        val found = try {
            JSONObject(String(read(MANIFEST), Charsets.UTF_8))
        } catch (error: JSONException) {
            throw MimError(MANIFEST, "not JSON (${error.message?.take(60)})", REMEDY)
        }
        val format = found.opt("format")
        if (format != FORMAT) {
            throw MimError(MANIFEST, "bundle format $format, this version reads $FORMAT", "export the bundle again")
        }
        return found
    }

    private fun read(name: String): ByteArray = try {
        open(name).use { it.readBytes() }
    } catch (error: IOException) {
        throw MimError(name, "cannot be read (${error.message})", REMEDY)
    }

    private fun <T> value(read: JSONObject.() -> T): T = try {
        manifest.read()
    } catch (error: JSONException) {
        throw MimError(MANIFEST, "has a missing or invalid value (${error.message?.take(80)})", REMEDY)
    }

    private fun table(name: String): ConformalTable = value {
        getJSONObject(name).run {
            val (similarities, weights) = listOf("similarities", "weights").map { floats(getJSONArray(it)) }
            ConformalTable(similarities, weights, getInt("groups"))
        }
    }

    private fun checkTable(name: String, table: ConformalTable, mostWeight: Float) = table.run {
        val ascending = (1 until similarities.size).all { similarities[it - 1] <= similarities[it] }
        val valid = similarities.all { it.isFinite() } && weights.all { it > 0 && it <= mostWeight }
        demand(ascending && valid && similarities.size == weights.size, "a damaged $name table")
        // A truncated table would give p-values that are too small. The weights are rounded to float32.
        val sum = weights.sumOf { it.toDouble() }
        demand(abs(sum - groups) <= 1e-4 * groups, "$name weights that do not sum to its groups")
    }

    private fun demand(holds: Boolean, problem: String) {
        if (!holds) throw MimError(MANIFEST, "has $problem", "export the bundle again")
    }

    private fun floats(array: JSONArray) = FloatArray(array.length()) { array.getDouble(it).toFloat() }

    private fun words(name: String): List<String?> = value {
        getJSONArray(name).run { List(length()) { if (isNull(it)) null else getString(it) } }
    }
}
