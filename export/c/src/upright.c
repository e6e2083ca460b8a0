#include "internal.h"

mim_status mim_upright(const uint8_t *source, size_t width, size_t height, size_t channels, size_t stride,
                       int orientation, uint8_t *target, size_t target_bytes) {
    size_t y, x, channel;
    if (!source || !target) return MIM_NULL;
    if (!mim_in(width, 1, MIM_MAX_SIDE) || !mim_in(height, 1, MIM_MAX_SIDE) || !mim_in(channels, 3, 4)) return MIM_SIZE;
    if (!mim_stride_fits(stride, width * channels, height)) return MIM_STRIDE;
    if (orientation < 1 || orientation > 8) return MIM_ARGUMENT;
    if (target_bytes < width * height * channels) return MIM_BUFFER;
    {
        const int swap = orientation >= 5;
        const int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        const int from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        /* Steps backwards wrap around in size_t, which is defined, and so is their sum with the start. */
        const size_t step_x = from_right ? (size_t)0 - channels : channels;
        const size_t step_y = from_bottom ? (size_t)0 - stride : stride;
        const size_t start = (from_right ? (width - 1) * channels : 0) + (from_bottom ? (height - 1) * stride : 0);
        const size_t along = swap ? step_y : step_x, down = swap ? step_x : step_y;
        const size_t target_width = swap ? height : width, target_height = swap ? width : height;
        for (y = 0; y < target_height; y++) {
            size_t at = start + y * down;
            for (x = 0; x < target_width; x++, at += along)
                for (channel = 0; channel < channels; channel++) *target++ = source[at + channel];
        }
    }
    return MIM_OK;
}
