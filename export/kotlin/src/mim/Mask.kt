package mim

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
     * The input of `mim_micro.tflite` for one mask.
     *
     * Example: pixel 200 visible gives 72, 72, 72, 127; hidden, -128, -128, -128, -128.
     *
     * @param image s x s pixels, resampled.
     * @param mask 0 to n - 1.
     * @return 4 s² int8 values: RGB of visible pixels and 0 for hidden ones, then 255 (visible) or 0; each minus 128.
     * @throws MimError the image has another size, or the mask does not exist.
     */
    fun masked(image: Image, mask: Int): ByteArray {
        if (image.width != size || image.height != size || mask !in 0 until count) {
            val problem = "not for ${image.width} x ${image.height} px"
            throw MimError("mask $mask", problem, "resample to $size px, and use masks below $count")
        }
        val input = ByteArray(4 * size * size) { -128 }
        for ((i, label) in labels.withIndex()) {
            if (label == mask) continue
            for (c in 0 until 3) input[4 * i + c] = ((image.pixels[3 * i + c].toInt() and 255) - 128).toByte()
            input[4 * i + 3] = 127
        }
        return input
    }

    /**
     * The inpainting: takes each pixel from the output for the mask that hides it.
     *
     * Example: an output of -28 gives 100/256 = 0.390625.
     *
     * @param outputs outputs of `mim_micro.tflite` for the masks 0 to n - 1, each 3 s² int8 values.
     * @return 3 s² values (q + 128) / 256 in [0, 1).
     * @throws MimError the number of values is wrong.
     */
    fun assemble(outputs: List<ByteArray>): FloatArray {
        if (outputs.size != count || outputs.any { it.size != 3 * size * size }) {
            throw MimError("outputs", "not $count of ${3 * size * size} values", "give one output for each mask")
        }
        return FloatArray(3 * size * size) { (outputs[labels[it / 3]][it] + 128) / 256f }
    }
}
