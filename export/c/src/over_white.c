#include "internal.h"

mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes) {
    size_t y, x;
    if (!rgba || !rgb) return MIM_NULL;
    if (!mim_in(width, 1, MIM_MAX_SIDE) || !mim_in(height, 1, MIM_MAX_SIDE)) return MIM_SIZE;
    if (!mim_stride_fits(stride, 4 * width, height)) return MIM_STRIDE;
    if (rgb_bytes < 3 * width * height) return MIM_BUFFER;
    for (y = 0; y < height; y++) {
        const uint8_t *from = rgba + y * stride;
        for (x = 0; x < width; x++, from += 4, rgb += 3) {
            const unsigned alpha = from[3], white = 255 * (255 - alpha) + 127;
            /* Where rgb is rgba, the target never runs ahead of what was read. */
            const unsigned r = from[0], g = from[1], b = from[2];
            rgb[0] = (uint8_t)((r * alpha + white) / 255);
            rgb[1] = (uint8_t)((g * alpha + white) / 255);
            rgb[2] = (uint8_t)((b * alpha + white) / 255);
        }
    }
    return MIM_OK;
}
