package io.github.mimtf

import java.awt.image.BufferedImage
import java.awt.image.DataBuffer
import java.awt.image.IndexColorModel
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO
import kotlin.math.abs
import kotlin.math.roundToInt
import org.json.JSONObject

/** The bundle under test and its golden vectors; `../README.md`, "golden/", documents the files. */
object Golden {
    val folder = File(System.getenv("MIM_BUNDLE"))
    val bundle = MimBundle { File(folder, it).inputStream() }
    val manifest = JSONObject(File(folder, "manifest.json").readText())
    private val json = JSONObject(File(folder, "golden/golden.json").readText())
    val tolerance: JSONObject = json.getJSONObject("tolerance")
    val images: List<JSONObject> = json.getJSONArray("images").run { List(length()) { getJSONObject(it) } }
    val decisions: List<JSONObject> = json.getJSONArray("decisions").run { List(length()) { getJSONObject(it) } }
    val decoded: List<JSONObject> = json.getJSONArray("decoded").run { List(length()) { getJSONObject(it) } }
    val fills: List<JSONObject> = json.optJSONArray("fills")?.run { List(length()) { getJSONObject(it) } } ?: emptyList()

    /** The largest difference between a runtime's similarity or novelty and this golden one. */
    fun allowed(value: Double): Double {
        val measure = manifest.getJSONObject("measure").getString("name")
        return tolerance.getDouble(measure) + tolerance.optDouble("${measure}_relative", 0.0) * abs(value)
    }

    /** Whether the similarity or novelty is so near to a limit that a runtime may give another verdict or reason. */
    fun nearLimit(number: Int): Boolean = listOf(
        Triple("similarity", "calibration", "threshold"),
        Triple("similarity", "reference", "threshold"),
        Triple("novelty", "gate", "max_novelty"),
    ).any { (name, entry, limit) ->
        val value = images[number].getDouble(name)
        // A limit of null is NaN here, to which nothing is near.
        abs(value - manifest.getJSONObject(entry).optDouble(limit)) <= allowed(value)
    }

    fun file(name: String) = File(folder, "golden/$name")

    fun picture(number: Int, stage: String): MimImage = decode(file("%02d_%s.png".format(number, stage)))

    /** The name of the reason; null if the image can be judged. */
    fun reason(number: Int): String? = images[number].run { if (isNull("reason")) null else getString("reason") }

    /** The s x s values of the error map. */
    fun errorMap(number: Int): FloatArray {
        val content = file("%02d_error_map.f32".format(number)).readBytes()
        val values = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
        return FloatArray(content.size / 4) { values.getFloat(4 * it) }
    }

    /** Outputs of `mim_micro.tflite`, one for each mask. */
    fun micro(number: Int): List<ByteArray> {
        val row = picture(number, "micro")
        val side = row.height
        return List(row.width / side) { mask ->
            ByteArray(3 * side * side) {
                val y = it / 3 / side
                (row.pixels[3 * (y * row.width + mask * side) + it - 3 * y * side] - 128).toByte()
            }
        }
    }

    /** The graph's outputs of the signature `explain`; those of `verdict` are among them. */
    fun outputs(number: Int): ExplainOutputs {
        val entry = images[number]
        val errors = errorMap(number)
        val small = if (errors.size == bundle.size * bundle.size) bundle.size else bundle.masks!!.size
        // The golden verdict depends on the photograph's size, which the graph does not know.
        val reason = gate(picture(number, "resampled"), bundle.gate, entry.getDouble("novelty").toFloat())
        val numbers = listOf("similarity", "p_class", "p_other").map { entry.getDouble(it).toFloat() }
        val (similarity, own, other) = numbers
        val verdict = verdict(own, other, reason, bundle.alpha, bundle.beta)
        return ExplainOutputs(
            Outputs(similarity, own, other, verdict.ordinal, if (reason == null) 0 else reason.ordinal + 1),
            entry.getDouble("ssim").toFloat(),
            picture(number, "inpainted").pixels,
            FloatArray(bundle.size * bundle.size) {
                val scale = bundle.size / small
                errors[it / bundle.size / scale * small + it % bundle.size / scale]
            },
        )
    }
}

/** A runner that gives known outputs, those of [found], for each image. */
class Known(private val found: (ByteArray) -> ExplainOutputs) : Runner {
    override fun verdict(image: ByteArray) = found(image).outputs

    override fun explain(image: ByteArray) = found(image)
}

/** Decodes a file like an app, without its orientation: values as stored, grey repeated, alpha over white. */
fun decode(file: File): MimImage {
    val found: BufferedImage = ImageIO.read(file)
    if (file.extension == "jpg" && found.raster.numBands == 3) return decodeJpeg(file)
    val (width, height) = Pair(found.width, found.height)
    val palette = found.colorModel is IndexColorModel
    if (palette) return overWhite(found.getRGB(0, 0, width, height, null, 0, width), width, height)
    val bands = found.raster.numBands
    val colours = if (bands < 3) 1 else 3
    val wide = found.raster.dataBuffer.dataType == DataBuffer.TYPE_USHORT
    // getRGB would apply colour profiles.
    val rgba = ByteArray(4 * width * height) {
        val band = if (it % 4 == 3) colours else minOf(it % 4, colours - 1)
        if (band == bands) return@ByteArray -1 // no alpha: opaque
        val value = found.raster.getSample(it / 4 % width, it / 4 / width, band)
        (if (wide) (value + 128) / 257 else value).toByte()
    }
    return overWhite(rgba, width, height)
}

/** Decodes a colour JPEG from its raster of Y, Cb and Cr (JFIF), because ImageIO applies colour profiles otherwise. */
private fun decodeJpeg(file: File): MimImage = ImageIO.createImageInputStream(file).use { stream ->
    val reader = ImageIO.getImageReadersByFormatName("jpeg").asSequence().first { it.canReadRaster() }
    reader.input = stream
    val raster = reader.readRaster(0, null)
    val rgba = ByteArray(4 * raster.width * raster.height) {
        val (y, u, v) = List(3) { band -> raster.getSampleDouble(it / 4 % raster.width, it / 4 / raster.width, band) }
        val (blue, red) = Pair(u - 128, v - 128)
        val value = when (it % 4) {
            0 -> y + 1.402 * red
            1 -> y - 0.344136 * blue - 0.714136 * red
            2 -> y + 1.772 * blue
            else -> 255.0
        }
        value.roundToInt().coerceIn(0, 255).toByte()
    }
    overWhite(rgba, raster.width, raster.height)
}

/** Largest difference between two images, in levels. */
fun levels(a: ByteArray, b: ByteArray): Int {
    check(a.size == b.size) { "${a.size} and ${b.size} values" }
    return a.indices.maxOf { abs((a[it].toInt() and 255) - (b[it].toInt() and 255)) }
}

/** Runs a block that has to throw [MimError], and returns the message. */
fun refusal(block: () -> Any?): String = try {
    block()
    throw AssertionError("nothing was refused")
} catch (error: MimError) {
    val line = error.message!!
    check("\n" !in line && "; " in line) { "not one line with a remedy: $line" }
    line
}
