package io.github.mimtf.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.BitmapRegionDecoder
import android.graphics.Rect
import android.media.ExifInterface
import android.os.Build
import io.github.mimtf.Judgement
import io.github.mimtf.MAX_PIXELS
import io.github.mimtf.MimError
import io.github.mimtf.PhotographFile
import io.github.mimtf.Reason
import io.github.mimtf.Resampler
import io.github.mimtf.Scorer
import io.github.mimtf.overWhite
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * Pixels of a strip. A strip has 4 bytes a pixel in a bitmap, and 4 in the Java heap: 16 MB. A JPEG's decoder begins
 * each strip at the top of the file, so many strips take long.
 */
private const val STRIP_PIXELS = 1 shl 22
/** Rows that JPEG's blocks of colours span, and a multiple of WebP's. */
private const val ALIGNMENT = 16

/** A photograph that cannot be judged, because of its file or its size. */
class UnfitException(val reason: Reason, cause: Throwable? = null) : Exception(reason.text, cause)

/**
 * Judges a photograph file: JPEG, PNG or WebP, and HEIC where Android decodes it.
 *
 * Example: `scorer.judgePhotograph { contentResolver.openInputStream(uri) }`.
 *
 * @param open opens the file; called several times.
 * @return `CANNOT_JUDGE` with `UNREADABLE` for a file that cannot be read or decoded, and with `TOO_LARGE` for one of more
 *   than [MAX_PIXELS] pixels or more than there is memory for.
 * @throws MimError the model cannot be run, or its outputs are invalid: never because of the photograph.
 */
fun Scorer.judgePhotograph(open: () -> InputStream?): Judgement = try {
    judge(decodePhotograph(size, open))
} catch (error: UnfitException) {
    Judgement.without(error.reason)
}

/**
 * Decodes a photograph in strips, and resamples it. Values are those that the file stores: no
 * colour profile is applied, as tested with the decoders of Android 14. The EXIF orientation is.
 *
 * Example: a JPEG of 8000 x 6000 px is decoded in 12 strips of 512 rows.
 *
 * @param size side of the result, in pixels.
 * @param open opens the file; called several times.
 * @return a resampler with all rows.
 * @throws UnfitException the file cannot be decoded, or is too large.
 */
fun decodePhotograph(size: Int, open: () -> InputStream?): Resampler = decodePhotograph(size, STRIP_PIXELS, open = open)

/** The tests use other strips, and no [regions]. */
internal fun decodePhotograph(
    size: Int,
    stripPixels: Int,
    regions: (() -> InputStream) -> BitmapRegionDecoder? = ::regionDecoder,
    open: () -> InputStream?,
): Resampler = try {
    decode(size, stripPixels, { open() ?: throw FileNotFoundException() }, regions)
} catch (error: IOException) {
    throw UnfitException(Reason.UNREADABLE, error)
} catch (error: RuntimeException) { // of a content provider, such as an ended permission, or of a decoder
    throw UnfitException(Reason.UNREADABLE, error)
} catch (error: OutOfMemoryError) {
    throw UnfitException(Reason.TOO_LARGE, error)
}

private fun decode(
    size: Int,
    stripPixels: Int,
    open: () -> InputStream,
    regions: (() -> InputStream) -> BitmapRegionDecoder?,
): Resampler {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    open().use { BitmapFactory.decodeStream(it, null, bounds) }
    val (width, height) = bounds.outWidth to bounds.outHeight
    if (width < 1 || height < 1) throw UnfitException(Reason.UNREADABLE)
    if (width.toLong() * height > MAX_PIXELS) throw UnfitException(Reason.TOO_LARGE)
    val resampler = Resampler(width, height, size, orientation(bounds.outMimeType, open))
    val decoder = regions(open)
    if (decoder == null) {
        addWhole(resampler, width, height, open)
    } else {
        try {
            addStrips(resampler, decoder, stripPixels)
        } finally {
            decoder.recycle()
        }
    }
    return resampler
}

private fun orientation(format: String?, open: () -> InputStream): Int = when (format) {
    "image/jpeg", "image/png", "image/webp" -> try {
        open().use { PhotographFile.read(it).orientation }
    } catch (error: MimError) {
        throw UnfitException(Reason.UNREADABLE, error)
    }
    "image/heif", "image/heic" -> open().use {
        ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
    }
    else -> throw UnfitException(Reason.UNREADABLE)
}

/** Null for a format that this version of Android does not decode in regions. */
@Suppress("DEPRECATION") // the replacement needs Android 12
private fun regionDecoder(open: () -> InputStream): BitmapRegionDecoder? = try {
    open().use { BitmapRegionDecoder.newInstance(it, false) }
} catch (error: IOException) {
    null
}

private fun options() = BitmapFactory.Options().apply {
    inPremultiplied = false
    inPreferredConfig = Bitmap.Config.ARGB_8888
}

/**
 * Decodes whole rows from multiples of 16 on: a region that begins elsewhere has other colours at its sides in a JPEG, and
 * is moved in a WebP.
 */
private fun addStrips(resampler: Resampler, decoder: BitmapRegionDecoder, stripPixels: Int) {
    val (width, end) = decoder.width to resampler.top + resampler.side
    val rows = maxOf(ALIGNMENT, stripPixels / width / ALIGNMENT * ALIGNMENT)
    val start = resampler.top / ALIGNMENT * ALIGNMENT
    val buffer = ByteBuffer.allocate(4 * width * minOf(rows, end - start))
    for (top in start until end step rows) {
        val strip = Rect(0, top, width, minOf(top + rows, end))
        val bitmap = decoder.decodeRegion(strip, options()) ?: throw UnfitException(Reason.UNREADABLE)
        val first = maxOf(0, resampler.top - top)
        addRows(resampler, bitmap, buffer, strip.height(), first until strip.height())
    }
}

private fun addWhole(resampler: Resampler, width: Int, height: Int, open: () -> InputStream) {
    val runtime = Runtime.getRuntime()
    val free = runtime.maxMemory() - (runtime.totalMemory() - runtime.freeMemory())
    // Before Android 8, bitmaps are in the Java heap as well.
    val bytes = if (Build.VERSION.SDK_INT < Build.VERSION_CODES.O) 8L else 4L
    if (bytes * width * height > free) throw UnfitException(Reason.TOO_LARGE)
    val bitmap = open().use { BitmapFactory.decodeStream(it, null, options()) }
        ?: throw UnfitException(Reason.UNREADABLE)
    val buffer = ByteBuffer.allocate(bitmap.byteCount)
    addRows(resampler, bitmap, buffer, height, resampler.top until resampler.top + resampler.side)
}

/** Adds [rows] of a bitmap, which has to have [height], and recycles it. */
private fun addRows(resampler: Resampler, bitmap: Bitmap, buffer: ByteBuffer, height: Int, rows: IntRange) {
    try {
        if (bitmap.config != Bitmap.Config.ARGB_8888 || bitmap.height != height) throw UnfitException(Reason.UNREADABLE)
        buffer.toStart()
        bitmap.copyPixelsToBuffer(buffer) // as stored; getPixels would convert wide gamuts to sRGB
        val rgb = ByteArray(3 * resampler.side)
        for (row in rows) {
            overWhite(buffer.array(), row * bitmap.rowBytes + 4 * resampler.left, rgb)
            resampler.add(rgb)
        }
    } finally {
        bitmap.recycle()
    }
}
