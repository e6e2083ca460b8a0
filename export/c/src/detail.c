#include "internal.h"

static inline uint32_t apart(int32_t a, int32_t b) { return (uint32_t)(a > b ? a - b : b - a); }

mim_status mim_detail(const uint8_t *rgb, size_t size, float *detail) {
    uint64_t sum = 0;
    size_t y, x;
    if (!rgb || !detail) return MIM_NULL;
    if (!mim_in(size, 2, MIM_MAX_SIZE)) return MIM_SIZE;
    for (y = 0; y < size; y++)
        for (x = 0; x < size; x++, rgb += 3) {
            const int32_t here = mim_luma(rgb);
            if (x + 1 < size) sum += apart(here, mim_luma(rgb + 3));
            if (y + 1 < size) sum += apart(here, mim_luma(rgb + 3 * size));
        }
    /* There are as many neighbours down as to the right, so that the mean of both means is the mean of all. */
    *detail = (float)((double)sum / (2.0 * (double)size * (double)(size - 1) * 255000.0));
    return MIM_OK;
}
