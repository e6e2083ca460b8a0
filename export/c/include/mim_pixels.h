/* From the pixels of a camera or decoder to the input image of a model: steps 1 to 4a. */
#ifndef MIM_PIXELS_H
#define MIM_PIXELS_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Applies an EXIF orientation.
 *
 * source       uint8, `height` rows of `width` pixels of `channels` interleaved channels
 * width,height 1 to MIM_MAX_SIDE, as stored
 * channels     3 (RGB) or 4 (RGBA)
 * stride       bytes from row to row, at least width * channels
 * orientation  1 to 8, the value of the EXIF tag 0x0112; 1 if the file has none
 * target       uint8, rows without padding; for the orientations 5 to 8 it is `height` wide and `width` high. Must not
 *              overlap the source
 * target_bytes at least width * height * channels
 *
 * Errors: MIM_NULL, MIM_SIZE (also for other numbers of channels), MIM_STRIDE, MIM_ARGUMENT (orientation), MIM_BUFFER.
 *
 * Example: the row of pixels A B becomes A above B for orientation 6 (turn clockwise), and B A for 2 (mirror).
 */
mim_status mim_upright(const uint8_t *source, size_t width, size_t height, size_t channels, size_t stride,
                       int orientation, uint8_t *target, size_t target_bytes);

/*
 * Composites RGBA over white: (c a + 255 (255 - a) + 127) div 255.
 *
 * rgba         uint8, `height` rows of `width` pixels R, G, B, A, alpha not premultiplied
 * width,height 1 to MIM_MAX_SIDE
 * stride       bytes from row to row, at least 4 width
 * rgb          uint8 (height, width, 3), rows without padding; may be `rgba` itself, to reuse its memory
 * rgb_bytes    at least 3 width height
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: (200, 0, 100, 128) becomes (227, 127, 177); alpha 0 gives white.
 */
mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes);

/* An image in Android's ImageFormat.YUV_420_888; the pixel stride of the plane Y is 1. */
typedef struct mim_yuv {
    const uint8_t *y;       /* height rows of width bytes */
    const uint8_t *u;       /* (height + 1) / 2 rows of (width + 1) / 2 values, U = Cb */
    const uint8_t *v;       /* the same for V = Cr; may be interleaved with u */
    size_t width, height;   /* 1 to MIM_MAX_SIDE */
    size_t y_stride;        /* bytes from row to row of y, at least width */
    size_t uv_stride;       /* bytes from row to row of u and of v */
    size_t uv_pixel_stride; /* bytes from value to value: 1 (planar) or 2 (interleaved), at most MIM_MAX_SIDE */
} mim_yuv;

/*
 * Converts full-range BT.601 (JFIF), the format of Android's cameras, to RGB. 128 is subtracted from U and V first.
 * Coefficients are in units of 1/65536; each result is rounded once, half up, and clamped to 0 to 255:
 *     R = Y + (91881 V + 32768) >> 16,   G = Y + (-22554 U - 46802 V + 32768) >> 16,   B = Y + (116130 U + 32768) >> 16
 * where >> rounds down. One chroma value serves 2 x 2 pixels, without interpolation.
 *
 * rgb          uint8 (height, width, 3), rows without padding; must not overlap the planes
 * rgb_bytes    at least 3 width height
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: Y 81, U 90, V 240 becomes (238, 14, 14).
 */
mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes);

/* Bytes of workspace for mim_resample: 36 size; 0 if size is not in 1 to MIM_MAX_SIZE. Example: 6912 for 192. */
size_t mim_resample_bytes(size_t size);

/*
 * Resamples the centre square by exact area average (steps 3 and 4). Smaller images are enlarged by the same rule.
 *
 * source          uint8, `height` rows of `width` RGB pixels
 * width,height    1 to MIM_MAX_SIDE
 * stride          bytes from row to row, at least 3 width
 * target          uint8 (size, size, 3), rows without padding; must not overlap the source
 * size            1 to MIM_MAX_SIZE
 * target_bytes    at least 3 size size
 * workspace       mim_resample_bytes(size) bytes, aligned to MIM_ALIGNMENT
 *
 * Uses integers only, with 64-bit sums: the result is the same on every machine.
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: at size 1 the 2 x 2 image 0, 10, 20, 31 (in each channel) becomes (122 + 4) div 8 = 15.
 */
mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, uint8_t *target, size_t size,
                        size_t target_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif
