package io.github.mimtf

/**
 * The fixed mask set of a bundle (`mask_set` in its manifest), for apps that run `mim_micro.tflite` themselves.
 *
 * Example: `MaskSet(4, 1, 2, 1).labels` begins with 0, 1, 0, 1 and then 1, 0, 1, 0.
 *
 * @property size side s of the image to inpaint, in pixels.
 * @property cell side of a cell in pixels; divides s.
 * @property count number of masks n, 2 to 255.
 * @property step offset of the mask number from one row of cells to the next, at least 1.
 * @throws MimError the numbers are not a valid mask set.
 */
class MaskSet(val size: Int, val cell: Int, val count: Int, val step: Int) {
    init {
        if (size !in 1..MAX_SIZE || cell < 1 || size % cell != 0 || count !in 2..255 || step < 1) {
            val numbers = "$count masks with cells of $cell px and step $step do not cover $size px"
            throw MimError("mask set", numbers, "export the bundle again")
        }
    }

    /** The number of the mask that hides each pixel: s² values 0 to n - 1, in rows. */
    val labels: IntArray = IntArray(size * size) { (it % size / cell + it / size / cell * step) % count }

    /**
     * The input of `mim_micro.tflite` for one mask. Hidden pixels get the averages of a push-pull pyramid in whole numbers,
     * step 5a of the contract.
     *
     * Example: a row 10, hidden, hidden, 20 of equal rows of 4 px gives the reds 10, 14, 17, 20, each minus 128.
     *
     * @param image s x s pixels, resampled.
     * @param mask 0 to n - 1.
     * @return 4 s² int8 values: RGB of visible pixels and averages at hidden ones, then 255 (visible) or 0; each minus 128.
     * @throws MimError the image has another size, or the mask does not exist.
     */
    fun filled(image: MimImage, mask: Int): ByteArray {
        if (image.width != size || image.height != size || mask !in 0 until count) {
            val problem = "not for ${image.width} x ${image.height} px"
            throw MimError("mask $mask", problem, "resample to $size px, and use masks below $count")
        }
        var side = size
        while (side > COARSEST && side % 2 == 0) side /= 2
        var level = Level(image, mask, side).apply { startEmpty() }
        while (true) {
            repeat(if (side < size) SWEEPS else FINEST_SWEEPS) { level.smooth() }
            if (side == size) break
            side *= 2
            level = Level(image, mask, side).apply { repeatEmpty(level) }
        }
        return ByteArray(4 * size * size) {
            if (it % 4 < 3) (level.values[it / 4 * 3 + it % 4] - 128).toByte() else if (labels[it / 4] == mask) -128 else 127
        }
    }

    /** A level of the pyramid: the rounded means of the visible pixels of side x side blocks, 0 where there are none. */
    private inner class Level(image: MimImage, mask: Int, private val side: Int) {
        private val counts = IntArray(side * side)
        val values = IntArray(3 * side * side)

        init {
            val step = size / side
            for ((i, label) in labels.withIndex()) {
                if (label == mask) continue
                val block = i / size / step * side + i % size / step
                counts[block]++
                for (c in 0 until 3) values[3 * block + c] += image.pixels[3 * i + c].toInt() and 255
            }
            for (i in values.indices) values[i] = rounded(values[i].toLong(), counts[i / 3].toLong())
        }

        /** The empty pixels of the coarsest level start from the mean of the others there. */
        fun startEmpty() {
            val known = counts.indices.filter { counts[it] > 0 }
            for (c in 0 until 3) {
                val mean = rounded(known.sumOf { values[3 * it + c].toLong() }, known.size.toLong())
                for (i in counts.indices) if (counts[i] == 0) values[3 * i + c] = mean
            }
        }

        /** The empty pixels of a finer level start from the pixel above them. */
        fun repeatEmpty(above: Level) {
            for (i in counts.indices) {
                if (counts[i] > 0) continue
                val source = i / side / 2 * above.side + i % side / 2
                for (c in 0 until 3) values[3 * i + c] = above.values[3 * source + c]
            }
        }

        /** Replaces each empty pixel by the mean of its neighbours; one outside the image is the pixel itself. */
        fun smooth() {
            val before = values.copyOf()
            for (i in counts.indices) {
                if (counts[i] > 0) continue
                val (x, y) = i % side to i / side
                val up = if (y > 0) i - side else i
                val down = if (y + 1 < side) i + side else i
                val left = if (x > 0) i - 1 else i
                val right = if (x + 1 < side) i + 1 else i
                for (c in 0 until 3) {
                    val sum = before[3 * up + c] + before[3 * down + c] + before[3 * left + c] + before[3 * right + c]
                    values[3 * i + c] = (sum + 2) / 4
                }
            }
        }
    }

    /**
     * The inpainting: takes each pixel from the output for the mask that hides it.
     *
     * Example: an output of -26 gives 102/255 = 0.4.
     *
     * @param outputs outputs of `mim_micro.tflite` for the masks 0 to n - 1, each 3 s² int8 values.
     * @return 3 s² values (q + 128) / 255 in [0, 1].
     * @throws MimError the number of values is wrong.
     */
    fun assemble(outputs: List<ByteArray>): FloatArray {
        if (outputs.size != count || outputs.any { it.size != 3 * size * size }) {
            throw MimError("outputs", "not $count of ${3 * size * size} values", "give one output for each mask")
        }
        return FloatArray(3 * size * size) { (outputs[labels[it / 3]][it] + 128) / 255f }
    }

    private companion object {
        /** Smoothings of the empty pixels of a level, and of the finest one. */
        const val SWEEPS = 8
        const val FINEST_SWEEPS = 2

        /** Levels end at this side, or at an odd one. */
        const val COARSEST = 4

        /** The mean, rounded half up; 0 where nothing is counted. */
        fun rounded(sum: Long, count: Long): Int = if (count == 0L) 0 else ((2 * sum + count) / (2 * count)).toInt()
    }
}
