package io.github.mimtf

import org.json.JSONObject

/**
 * The results of this scorer for a golden image, given the outputs of the models.
 *
 * Example: for image 0 of the released bundle, `{"ssim":0.5163,"contrast":0.0616,...,"reason":"not skin"}`.
 *
 * @param number number of the image, from 0.
 */
fun scores(number: Int): JSONObject {
    val bundle = Golden.bundle
    val entry = Golden.images[number]
    val photo = Golden.picture(number, "input")
    val image = resample(photo, bundle.size)
    val similar = bundle.masks?.let {
        ssim(resample(image, it.size).toFloats(), it.assemble(Golden.micro(number)), it.size, it.size)
    }
    val small = minOf(photo.width, photo.height) < bundle.gate.minSide
    val novelty = entry.getDouble("novelty").toFloat()
    val reason = if (small) Reason.TOO_SMALL else gate(image, bundle.gate, novelty)
    val similarity = entry.getDouble("similarity").toFloat()
    val (own, other) = pClass(similarity, bundle.calibration) to pOther(similarity, bundle.reference)
    return JSONObject()
        .put("ssim", similar ?: JSONObject.NULL)
        .put("contrast", contrast(image).toDouble())
        .put("detail", detail(image).toDouble())
        .put("p_class", own.toDouble())
        .put("p_other", other.toDouble())
        .put("verdict", verdict(own, other, reason, bundle.alpha, bundle.beta).text)
        .put("reason", reason?.text ?: JSONObject.NULL)
}

/** Prints a line of JSON for each golden image of the bundle that MIM_BUNDLE names; `mim-tf verify` reads them. */
fun main() {
    for (number in Golden.images.indices) println(scores(number))
}
