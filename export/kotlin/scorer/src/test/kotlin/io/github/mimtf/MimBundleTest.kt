package io.github.mimtf

import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileNotFoundException
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class MimBundleTest {
    /** The bundle under test with another manifest. */
    private fun changed(change: JSONObject.() -> Unit): MimBundle {
        val manifest = JSONObject(Golden.manifest.toString()).apply(change)
        return of(manifest.toString())
    }

    private fun of(text: String) = MimBundle {
        if (it == "manifest.json") ByteArrayInputStream(text.toByteArray()) else File(Golden.folder, it).inputStream()
    }

    /** Replaces a table by one with the similarities 0, 1, ... */
    private fun JSONObject.table(name: String, groups: Int, vararg weights: Double) {
        getJSONObject(name).put("similarities", JSONArray(weights.indices.toList()))
            .put("weights", JSONArray(weights.toList())).put("groups", groups)
    }

    @Test
    fun constantsAreThoseOfTheManifest() {
        val bundle = Golden.bundle
        assertEquals(Golden.manifest.getString("statement"), bundle.statement)
        assertEquals(Golden.manifest.getString("model_id"), bundle.modelId)
        assertEquals(Golden.manifest.getInt("size"), bundle.size)
        assertEquals(Golden.manifest.isNull("mask_set"), bundle.masks == null)
        assertEquals(Golden.manifest.getJSONObject("gate").getInt("min_side"), bundle.gate.minSide)
        val limit = Golden.manifest.getJSONObject("gate").opt("max_novelty") as? Number
        assertEquals(limit?.toFloat(), bundle.gate.maxNovelty)
        assertEquals(Golden.manifest.getJSONObject("calibration").getDouble("alpha"), bundle.alpha, 0.0)
        assertEquals(Golden.manifest.getJSONObject("reference").getDouble("beta"), bundle.beta, 0.0)
    }

    /** The least tabled similarity at which the class is not excluded, which the manifest states. */
    @Test
    fun thresholdOfTheClassFollowsFromItsTable() {
        val bundle = Golden.bundle
        val least = bundle.calibration.similarities.first {
            verdict(pClass(it, bundle.calibration), 1f, null, bundle.alpha, bundle.beta) == Verdict.UNDECIDED
        }
        assertEquals(Golden.manifest.getJSONObject("calibration").getDouble("threshold"), least.toDouble(), 1e-6)
    }

    /** The highest tabled similarity at which other skin is not excluded; null if it is excluded at none. */
    @Test
    fun thresholdOfOtherSkinFollowsFromItsTable() {
        val bundle = Golden.bundle
        val open = { similarity: Float ->
            verdict(1f, pOther(similarity, bundle.reference), null, bundle.alpha, bundle.beta) == Verdict.UNDECIDED
        }
        val expected = Golden.manifest.getJSONObject("reference")
        if (expected.isNull("threshold")) {
            assertTrue(open(Float.MAX_VALUE))
        } else {
            val most = bundle.reference.similarities.last(open)
            assertEquals(expected.getDouble("threshold"), most.toDouble(), 1e-6)
        }
    }

    @Test
    fun referenceMayBeEmpty() {
        val bundle = changed { table("reference", 0) }
        assertEquals(1f, pOther(0f, bundle.reference), 0f)
        assertEquals(
            "manifest.json: has an empty calibration table; export the bundle again",
            refusal { changed { table("calibration", 0) } },
        )
    }

    /** A condition with one group, where others have more, has a weight larger than 1. */
    @Test
    fun onlyWeightsOfTheReferenceMayBeLargerThanOne() {
        val bundle = changed { table("reference", 2, 1.5, 0.5) }
        assertEquals(0.5, pOther(1f, bundle.reference).toDouble(), 1e-6)
        assertEquals(
            "manifest.json: has a damaged calibration table; export the bundle again",
            refusal { changed { table("calibration", 2, 1.5, 0.5) } },
        )
    }

    @Test
    fun modelsAreChecked() {
        assertEquals(File(Golden.folder, "mim.tflite").length().toInt(), Golden.bundle.model("mim.tflite").size)
        val altered = MimBundle {
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
        val without = MimBundle {
            if (it == "manifest.json") File(Golden.folder, it).inputStream() else throw FileNotFoundException(it)
        }
        assertTrue(refusal { without.model("mim.tflite") }.startsWith("mim.tflite: cannot be read (mim.tflite); "))
    }

    @Test
    fun damagedManifestsAreRefused() {
        assertEquals(
            "manifest.json: bundle format 1, this version reads 4; export the bundle again",
            refusal { changed { put("format", 1) } },
        )
        assertEquals(
            "manifest.json: bundle format null, this version reads 4; export the bundle again",
            refusal { changed { remove("format") } },
        )
        assertTrue(refusal { MimBundle { throw FileNotFoundException(it) } }.startsWith("manifest.json: cannot be read"))
        for (text in listOf("", "[]", "{\"format\"", "\u0000\u0001", "{\"format\": 2}")) {
            assertTrue(text, refusal { of(text) }.startsWith("manifest.json: "))
        }
        refusal { changed { remove("statement") } }
        for (name in listOf("size", "mask_set", "gate", "calibration", "reference", "verdicts", "reasons")) {
            // A missing mask set is that of a method without masks.
            if (name != "mask_set") refusal { changed { remove(name) } }
            refusal { changed { put(name, "none") } }
        }
    }

    @Test
    fun valuesThatCannotBeAreRefused() {
        assertEquals("manifest.json: has size 0; export the bundle again", refusal { changed { put("size", 0) } })
        refusal { changed { put("size", 1_000_000_000) } }
        for ((name, level) in listOf("calibration" to "alpha", "reference" to "beta")) {
            val entry: JSONObject.() -> JSONObject = { getJSONObject(name) }
            for (value in listOf<Any>(0, 1, -1, "none")) refusal { changed { entry().put(level, value) } }
            for (groups in listOf(0, -1, 5)) refusal { changed { entry().put("groups", groups) } }
            refusal { changed { entry().getJSONArray("similarities").put(0, 1e9) } }
            for (value in listOf("NaN", "-Infinity")) {
                refusal { changed { entry().getJSONArray("similarities").put(0, value) } }
            }
            for (weight in listOf(0, -1)) refusal { changed { entry().getJSONArray("weights").put(0, weight) } }
            refusal { changed { entry().put("weights", JSONArray()) } }
        }
        refusal { changed { getJSONArray("verdicts").put(0, "other") } }
        refusal { changed { getJSONArray("reasons").put(1, JSONObject.NULL) } }
    }
}
