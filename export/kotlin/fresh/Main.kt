import io.github.mimtf.ExplainOutputs
import io.github.mimtf.LiteRt
import io.github.mimtf.MimBundle
import io.github.mimtf.MimImage
import io.github.mimtf.Outputs
import io.github.mimtf.Runner
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO
import kotlin.math.abs
import org.json.JSONObject

/** Runs the signature `verdict`, the only one that the code of the README uses. */
private class LiteRtRunner(bundle: MimBundle) : Runner {
    private val model = LiteRt(bundle.model("mim.tflite"))

    override fun verdict(image: ByteArray): Outputs {
        val found = model.run("verdict", image).mapValues { ByteBuffer.wrap(it.value).order(ByteOrder.nativeOrder()) }
        val (similarity, own, other) = listOf("similarity", "p_class", "p_other").map { found.getValue(it).getFloat(0) }
        val (verdict, reason) = listOf("verdict", "reason").map { found.getValue(it).getInt(0) }
        return Outputs(similarity, own, other, verdict, reason)
    }

    override fun explain(image: ByteArray): ExplainOutputs = throw UnsupportedOperationException()
}

/** The pixels of an RGB image of 8 bits, as stored. */
private fun pixels(file: File): MimImage {
    val raster = ImageIO.read(file).raster
    val rgb = ByteArray(3 * raster.width * raster.height) {
        raster.getSample(it / 3 % raster.width, it / 3 / raster.width, it % 3).toByte()
    }
    return MimImage(raster.width, raster.height, rgb)
}

/** Whether the similarity or novelty is so near to a limit that a runtime may give another verdict. */
private fun nearLimit(entry: JSONObject, manifest: JSONObject, tolerance: JSONObject): Boolean = listOf(
    Triple("similarity", "calibration", "threshold"),
    Triple("similarity", "reference", "threshold"),
    Triple("novelty", "gate", "max_novelty"),
).any { (name, section, limit) ->
    val value = entry.getDouble(name)
    val measure = manifest.getJSONObject("measure").getString("name")
    val allowed = tolerance.getDouble(measure) + tolerance.optDouble("${measure}_relative", 0.0) * abs(value)
    abs(value - manifest.getJSONObject(section).optDouble(limit)) <= allowed // a limit of null is NaN here
}

fun main() {
    val folder = File(System.getenv("MIM_BUNDLE"))
    val golden = JSONObject(File(folder, "golden/golden.json").readText())
    val manifest = JSONObject(File(folder, "manifest.json").readText())
    val images = golden.getJSONArray("images")
    val judge = Judge(folder, ::LiteRtRunner)
    var passed = 0
    for (number in 0 until images.length()) {
        val entry = images.getJSONObject(number)
        val text = judge.text(pixels(File(folder, "golden/%02d_input.png".format(number))))
        val reason = if (entry.isNull("reason")) "" else ": ${entry.getString("reason")}"
        val expected = "${manifest.getString("statement")}\n${entry.getString("verdict")}$reason"
        val near = nearLimit(entry, manifest, golden.getJSONObject("tolerance"))
        if (text.startsWith(expected) || near) passed++ else println("$number: $text")
    }
    println("$passed passed, ${images.length() - passed} failed")
}
