package io.github.mimtf.android

import io.github.mimtf.Golden
import io.github.mimtf.Reason
import io.github.mimtf.Scorer
import io.github.mimtf.Verdict
import java.io.ByteArrayInputStream
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** From a file to a verdict: Android's decoders, the resampler in strips, and LiteRT. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScorerOfFilesTest {
    @Test
    fun everyGoldenPhotographIsJudged() {
        InterpreterRunner(Golden.bundle).use { runner ->
            val scorer = Scorer(Golden.bundle, Exchanging(runner))
            for (number in Golden.images.indices.filterNot(Golden::nearLimit)) {
                val found = scorer.judgePhotograph { Golden.file("%02d_input.png".format(number)).inputStream() }
                assertEquals("image $number", Golden.images[number].getString("verdict"), found.verdict.text)
                assertEquals("image $number", Golden.reason(number), found.reason?.text)
            }
            val damaged = scorer.judgePhotograph { ByteArrayInputStream(ByteArray(9)) }
            assertEquals(Verdict.CANNOT_JUDGE to Reason.UNREADABLE, damaged.verdict to damaged.reason)
        }
    }
}
