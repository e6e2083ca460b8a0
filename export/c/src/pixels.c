#include "internal.h"

mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes) {
    size_t y, x;
    if (!rgba || !rgb) return MIM_NULL;
    if (!mim_photo_fits(width, height)) return MIM_SIZE;
    if (!mim_stride_fits(stride, 4 * width, height)) return MIM_STRIDE;
    if (rgb_bytes < 3 * width * height) return MIM_BUFFER;
    for (y = 0; y < height; y++) {
        const uint8_t *from = rgba + y * stride;
        for (x = 0; x < width; x++, from += 4, rgb += 3) {
            const unsigned alpha = from[3], white = 255 * (255 - alpha) + 127;
            /* rgb may be rgba: the writes never overtake the reads. */
            const unsigned r = from[0], g = from[1], b = from[2];
            rgb[0] = (uint8_t)((r * alpha + white) / 255);
            rgb[1] = (uint8_t)((g * alpha + white) / 255);
            rgb[2] = (uint8_t)((b * alpha + white) / 255);
        }
    }
    return MIM_OK;
}

/* (65536 luma + part + 32768) / 65536, rounded down and clamped. A negative sum is never shifted. */
static inline uint8_t clamped(int32_t luma, int32_t part) {
    const int32_t sum = 65536 * luma + part + 32768;
    if (sum < 0) return 0;
    return (uint8_t)(sum > 255 * 65536 ? 255 : sum >> 16);
}

mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes) {
    size_t y, x, uv_row;
    if (!image || !rgb || !image->y || !image->u || !image->v) return MIM_NULL;
    if (!mim_photo_fits(image->width, image->height)) return MIM_SIZE;
    if (!mim_in(image->uv_pixel_stride, 1, MIM_MAX_SIDE)) return MIM_STRIDE;
    uv_row = (image->width - 1) / 2 * image->uv_pixel_stride + 1; /* there is no padding after the last value */
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
