package androidx.activity.result

import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia.VisualMediaType

class ActivityResultLauncher<I> {
    @Suppress("UNUSED_PARAMETER")
    fun launch(input: I) = Unit
}

class PickVisualMediaRequest

@Suppress("UNUSED_PARAMETER")
fun PickVisualMediaRequest(mediaType: VisualMediaType) = PickVisualMediaRequest()
