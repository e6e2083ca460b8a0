package io.github.mimtf

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class ScorerTest {
    private val bundle = Golden.bundle
    private val pixels = bundle.size * bundle.size
    private val side = bundle.gate.minSide
    private val photo = MimImage(side, side + 1, ByteArray(3 * side * (side + 1)))

    private fun scorer(
        similarity: Float = 0.5f,
        own: Float = 0.4f,
        other: Float = 0.1f,
        verdict: Int = 0,
        reason: Int = 0,
        ssim: Float = 0.5f,
        values: Int = 3 * pixels,
        errors: Int = pixels,
    ): Scorer {
        val outputs = Outputs(similarity, own, other, verdict, reason)
        return Scorer(bundle, Known { ExplainOutputs(outputs, ssim, ByteArray(values), FloatArray(errors)) })
    }

    /** The result of `judge`, which has to be that of `explain` as well. */
    private fun judge(scorer: Scorer, photo: MimImage = this.photo): Judgement {
        val found = scorer.judge(photo)
        val explained = scorer.explain(photo).judgement
        assertEquals(found.verdict, explained.verdict)
        assertEquals(found.reason, explained.reason)
        return found
    }

    /** The error of `judge`, which has to be that of `explain` as well. */
    private fun refused(scorer: Scorer): String {
        val line = refusal { scorer.judge(photo) }
        assertEquals(line, refusal { scorer.explain(photo) })
        return line
    }

    @Test
    fun codesBecomeWords() {
        val found = judge(scorer())
        assertEquals(Verdict.MPOX_LIKE, found.verdict)
        assertNull(found.reason)
        assertEquals(listOf(0.5f, 0.4f, 0.1f), listOf(found.similarity, found.pClass, found.pOther))
        assertEquals(Verdict.NOT_MPOX_LIKE, judge(scorer(verdict = 1)).verdict)
        assertEquals(Verdict.UNDECIDED, judge(scorer(verdict = 2)).verdict)
        for ((code, reason) in listOf(1 to Reason.BLANK, 2 to Reason.BLURRED, 3 to Reason.NOT_SKIN)) {
            val refused = judge(scorer(verdict = 3, reason = code))
            assertEquals(Verdict.CANNOT_JUDGE, refused.verdict)
            assertEquals(reason, refused.reason)
        }
    }

    @Test
    fun smallPhotographsAreNotJudged() {
        val judgement = judge(scorer(), MimImage(2 * side, side - 1, ByteArray(6 * side * (side - 1))))
        assertEquals(Verdict.CANNOT_JUDGE, judgement.verdict)
        assertEquals(Reason.TOO_SMALL, judgement.reason)
    }

    @Test
    fun photographsInStripsAreOfTheBundlesSize() {
        val small = Resampler(2, 2, bundle.size - 1).apply { repeat(2) { add(ByteArray(6)) } }
        val expected = "photograph: resampled to ${bundle.size - 1} px; resample it to ${bundle.size} px"
        assertEquals(expected, refusal { scorer().judge(small) })
        assertEquals(expected, refusal { scorer().explain(small) })
        assertEquals(
            "image: 0 of 2 rows; add all rows of the square",
            refusal { scorer().judge(Resampler(2, 2, bundle.size)) },
        )
    }

    @Test
    fun refusedPhotographsHaveNoNumbers() {
        val found = Judgement.without(Reason.TOO_LARGE)
        assertEquals(Verdict.CANNOT_JUDGE, found.verdict)
        assertEquals("too large", found.reason?.text)
        assertEquals(listOf(Float.NaN, Float.NaN, Float.NaN), listOf(found.similarity, found.pClass, found.pOther))
    }

    /** The p-value 1 of a graph may be larger by its rounding. */
    @Test
    fun roundedPValuesAreAccepted() {
        judge(scorer(own = 1.000001f, other = 1.000001f))
    }

    @Test
    fun outputsThatCannotBeGiveNoVerdict() {
        val expected = "mim.tflite: gave invalid outputs; run the bundle's own model, on the CPU"
        assertEquals(expected, refused(scorer(similarity = Float.NaN)))
        refused(scorer(similarity = Float.NEGATIVE_INFINITY))
        for (p in listOf(Float.NaN, 0f, -1f, 1.1f)) {
            refused(scorer(own = p))
            refused(scorer(other = p))
        }
        for (code in listOf(-1, 4)) refused(scorer(verdict = code))
        for (code in listOf(-1, 4, 5)) refused(scorer(verdict = 3, reason = code))
        refused(scorer(verdict = 3, reason = 0))
        for (code in 0..2) refused(scorer(verdict = code, reason = 1))
    }

    @Test
    fun wrongPicturesGiveNoExplanation() {
        refusal { scorer(ssim = Float.NaN).explain(photo) }
        refusal { scorer(values = 3 * pixels - 1).explain(photo) }
        refusal { scorer(errors = 0).explain(photo) }
    }
}
