package mim

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class ScorerTest {
    private val bundle = Golden.bundle
    private val pixels = bundle.size * bundle.size
    private val side = bundle.gate.minSide
    private val photo = Image(side, side + 1, ByteArray(3 * side * (side + 1)))

    private fun score(
        similarity: Float = 0.5f,
        p: Float = 0.4f,
        verdict: Int = 0,
        reason: Int = 0,
        values: Int = 3 * pixels,
        errors: Int = pixels,
        photo: Image = this.photo,
    ): Judgement = Scorer(bundle) {
        Outputs(similarity, p, verdict, reason, ByteArray(values), FloatArray(errors), 0.5f)
    }.score(photo)

    @Test
    fun codesBecomeWords() {
        assertEquals(Verdict.MPOX_LIKE, score().verdict)
        assertNull(score().reason)
        assertEquals(Verdict.NOT_MPOX_LIKE, score(verdict = 1).verdict)
        for ((code, reason) in listOf(1 to Reason.BLANK, 2 to Reason.BLURRED, 3 to Reason.NOT_SKIN)) {
            assertEquals(Verdict.CANNOT_JUDGE, score(verdict = 2, reason = code).verdict)
            assertEquals(reason, score(verdict = 2, reason = code).reason)
        }
    }

    @Test
    fun smallPhotographsAreNotJudged() {
        val judgement = score(photo = Image(2 * side, side - 1, ByteArray(6 * side * (side - 1))))
        assertEquals(Verdict.CANNOT_JUDGE, judgement.verdict)
        assertEquals(Reason.TOO_SMALL, judgement.reason)
    }

    @Test
    fun outputsThatCannotBeGiveNoVerdict() {
        val expected = "mim.tflite: gave invalid outputs; run the bundle's own model, on the CPU"
        assertEquals(expected, refusal { score(similarity = Float.NaN) })
        refusal { score(similarity = Float.NEGATIVE_INFINITY) }
        for (p in listOf(Float.NaN, 0f, -1f, 1.1f)) refusal { score(p = p) }
        for (code in listOf(-1, 3)) refusal { score(verdict = code) }
        for (code in listOf(-1, 4, 5)) refusal { score(verdict = 2, reason = code) }
        refusal { score(verdict = 2, reason = 0) }
        refusal { score(verdict = 0, reason = 1) }
        refusal { score(values = 3 * pixels - 1) }
        refusal { score(errors = 0) }
    }
}
