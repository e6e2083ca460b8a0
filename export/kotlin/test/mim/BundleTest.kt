package mim

import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileNotFoundException
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class BundleTest {
    /** The bundle under test with another manifest. */
    private fun changed(change: JSONObject.() -> Unit): Bundle {
        val manifest = JSONObject(Golden.manifest.toString()).apply(change)
        return of(manifest.toString())
    }

    private fun of(text: String) = Bundle {
        if (it == "manifest.json") ByteArrayInputStream(text.toByteArray()) else File(Golden.folder, it).inputStream()
    }

    @Test
    fun constantsAreThoseOfTheManifest() {
        val bundle = Golden.bundle
        assertEquals(Golden.manifest.getString("statement"), bundle.statement)
        assertEquals(Golden.manifest.getInt("size"), bundle.size)
        assertEquals(Golden.manifest.isNull("mask_set"), bundle.masks == null)
        assertEquals(Golden.manifest.getJSONObject("gate").getInt("min_side"), bundle.gate.minSide)
        assertEquals(Golden.manifest.getJSONObject("calibration").getDouble("alpha"), bundle.calibration.alpha, 0.0)
    }

    /** The least tabled similarity that is `mpox-like`, which the manifest states. */
    @Test
    fun thresholdFollowsFromTheTable() {
        val table = Golden.bundle.calibration
        val least = table.similarities.first { verdict(pValue(it, table), null, table.alpha) == Verdict.MPOX_LIKE }
        assertEquals(Golden.manifest.getJSONObject("calibration").getDouble("threshold"), least.toDouble(), 1e-6)
    }

    @Test
    fun modelsAreChecked() {
        assertEquals(File(Golden.folder, "mim.tflite").length().toInt(), Golden.bundle.model("mim.tflite").size)
        val altered = Bundle {
            val content = File(Golden.folder, it).readBytes()
            if (it == "mim.tflite") content[1000]++
            ByteArrayInputStream(content)
        }
        assertEquals(
            "mim.tflite: differs from its sha256 in manifest.json; copy the whole bundle into the app again",
            refusal { altered.model("mim.tflite") },
        )
        assertEquals(
            "manifest.json: does not list other.tflite; copy the whole bundle into the app again",
            refusal { Golden.bundle.model("other.tflite") },
        )
        val without = Bundle {
            if (it == "manifest.json") File(Golden.folder, it).inputStream() else throw FileNotFoundException(it)
        }
        assertTrue(refusal { without.model("mim.tflite") }.startsWith("mim.tflite: cannot be read (mim.tflite); "))
    }

    @Test
    fun damagedManifestsAreRefused() {
        assertEquals(
            "manifest.json: bundle format 1, this version reads 3; export the bundle again",
            refusal { changed { put("format", 1) } },
        )
        assertEquals(
            "manifest.json: bundle format null, this version reads 3; export the bundle again",
            refusal { changed { remove("format") } },
        )
        assertTrue(refusal { Bundle { throw FileNotFoundException(it) } }.startsWith("manifest.json: cannot be read"))
        for (text in listOf("", "[]", "{\"format\"", "\u0000\u0001", "{\"format\": 2}")) {
            assertTrue(text, refusal { of(text) }.startsWith("manifest.json: "))
        }
        refusal { changed { remove("statement") } }
        for (name in listOf("size", "mask_set", "gate", "calibration", "verdicts", "reasons")) {
            // A missing mask set is that of a method without masks.
            if (name != "mask_set") refusal { changed { remove(name) } }
            refusal { changed { put(name, "none") } }
        }
    }

    @Test
    fun valuesThatCannotBeAreRefused() {
        assertEquals("manifest.json: has size 0; export the bundle again", refusal { changed { put("size", 0) } })
        refusal { changed { put("size", 1_000_000_000) } }
        for (alpha in listOf<Any>(0, 1, -1, "none")) {
            refusal { changed { getJSONObject("calibration").put("alpha", alpha) } }
        }
        refusal { changed { getJSONObject("calibration").put("groups", 0) } }
        refusal { changed { getJSONObject("calibration").getJSONArray("similarities").put(0, 1e9) } }
        refusal { changed { getJSONObject("calibration").getJSONArray("similarities").put(3, "NaN") } }
        refusal { changed { getJSONObject("calibration").put("weights", JSONArray()) } }
        refusal { changed { getJSONArray("verdicts").put(0, "other") } }
        refusal { changed { getJSONArray("reasons").put(1, JSONObject.NULL) } }
    }
}
