#include "internal.h"

/* (65536 luma + part + 32768) / 65536 rounded down and clamped; a negative sum is never shifted. */
static inline uint8_t clamped(int32_t luma, int32_t part) {
    const int32_t sum = 65536 * luma + part + 32768;
    if (sum < 0) return 0;
    return (uint8_t)(sum > 255 * 65536 ? 255 : sum >> 16);
}

mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes) {
    size_t y, x, uv_row;
    if (!image || !rgb || !image->y || !image->u || !image->v) return MIM_NULL;
    if (!mim_in(image->width, 1, MIM_MAX_SIDE) || !mim_in(image->height, 1, MIM_MAX_SIDE)) return MIM_SIZE;
    if (!mim_in(image->uv_pixel_stride, 1, MIM_MAX_SIDE)) return MIM_STRIDE;
    uv_row = (image->width - 1) / 2 * image->uv_pixel_stride + 1; /* nothing follows the last value */
    if (!mim_stride_fits(image->y_stride, image->width, image->height) ||
        !mim_stride_fits(image->uv_stride, uv_row, (image->height + 1) / 2))
        return MIM_STRIDE;
    if (rgb_bytes < 3 * image->width * image->height) return MIM_BUFFER;
    for (y = 0; y < image->height; y++) {
        const uint8_t *luma = image->y + y * image->y_stride;
        const uint8_t *u = image->u + y / 2 * image->uv_stride, *v = image->v + y / 2 * image->uv_stride;
        for (x = 0; x < image->width; x++, rgb += 3) {
            const int32_t cb = u[x / 2 * image->uv_pixel_stride] - 128, cr = v[x / 2 * image->uv_pixel_stride] - 128;
            rgb[0] = clamped(luma[x], 91881 * cr);
            rgb[1] = clamped(luma[x], -22554 * cb - 46802 * cr);
            rgb[2] = clamped(luma[x], 116130 * cb);
        }
    }
    return MIM_OK;
}
