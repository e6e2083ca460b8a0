#include "internal.h"

mim_status mim_contrast(const uint8_t *rgb, size_t size, float *contrast) {
    const size_t count = size * size;
    int64_t sum = 0, squares = 0;
    size_t i;
    int32_t first;
    if (!rgb || !contrast) return MIM_NULL;
    if (!mim_in(size, 1, MIM_MAX_SIZE)) return MIM_SIZE;
    /* Less the first pixel's, so that one colour gives 0 exactly; squares stay below 2^24 2^36. */
    first = mim_luma(rgb);
    for (i = 0; i < count; i++) {
        const int32_t offset = mim_luma(rgb + 3 * i) - first;
        sum += offset;
        squares += (int64_t)offset * offset;
    }
    {
        const double mean = (double)sum / (double)count;
        const double variance = (double)squares / (double)count - mean * mean;
        *contrast = (float)(sqrt(variance > 0 ? variance : 0) / 255000);
    }
    return MIM_OK;
}
