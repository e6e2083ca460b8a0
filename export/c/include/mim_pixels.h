/* From a camera's or decoder's pixels to the image that a model takes: steps 1 to 4a. */
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
 * orientation  1 to 8, the value of the EXIF tag 0x0112; take 1 where a file has none
 * target       uint8, rows without gaps; for the orientations 5 to 8 it is `height` wide and `width` high. Must not
 *              overlap the source
 * target_bytes at least width * height * channels
 *
 * Answers MIM_NULL, MIM_SIZE (also for another number of channels), MIM_STRIDE, MIM_ARGUMENT (orientation), MIM_BUFFER.
 *
 * Example: pixels A B of one row become, for orientation 6 (turn clockwise), A above B; for 2 (mirror), B A.
 */
mim_status mim_upright(const uint8_t *source, size_t width, size_t height, size_t channels, size_t stride,
                       int orientation, uint8_t *target, size_t target_bytes);

/*
 * Lays RGBA over white: (c a + 255 (255 - a) + 127) div 255.
 *
 * rgba         uint8, `height` rows of `width` pixels R, G, B, A, alpha not multiplied in
 * width,height 1 to MIM_MAX_SIDE
 * stride       bytes from row to row, at least 4 width
 * rgb          uint8 (height, width, 3), rows without gaps; may be `rgba` itself, whose memory is then reused
 * rgb_bytes    at least 3 width height
 *
 * Answers MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: (200, 0, 100, 128) becomes (227, 127, 177); alpha 0 gives white.
 */
mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes);

/* An image of Android's ImageFormat.YUV_420_888; the pixel stride of the plane Y is 1. */
typedef struct mim_yuv {
    const uint8_t *y;       /* height rows of width bytes */
    const uint8_t *u;       /* (height + 1) / 2 rows of (width + 1) / 2 values, U = Cb */
    const uint8_t *v;       /* the same of V = Cr; may interleave with u */
    size_t width, height;   /* 1 to MIM_MAX_SIDE */
    size_t y_stride;        /* bytes from row to row of y, at least width */
    size_t uv_stride;       /* bytes from row to row of u and of v */
    size_t uv_pixel_stride; /* bytes from value to value: 1 (planar) or 2 (interleaved), at most MIM_MAX_SIDE */
} mim_yuv;

/*
 * Converts full-range BT.601 (JFIF), which Android's cameras deliver, to RGB. With U and V less 128 and coefficients in
 * units of 1/65536, each rounded once, half up, and clamped to 0 to 255:
 *     R = Y + (91881 V + 32768) >> 16,   G = Y + (-22554 U - 46802 V + 32768) >> 16,   B = Y + (116130 U + 32768) >> 16
 * where >> rounds down. A chroma value serves 2 x 2 pixels, not interpolated.
 *
 * rgb          uint8 (height, width, 3), rows without gaps; must not overlap the planes
 * rgb_bytes    at least 3 width height
 *
 * Answers MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: Y 81, U 90, V 240 becomes (238, 14, 14).
 */
mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes);

/* Bytes of workspace that mim_resample needs: 36 size; 0 where size is not 1 to MIM_MAX_SIZE. Example: 6912 for 192. */
size_t mim_resample_bytes(size_t size);

/*
 * Shrinks the centre square by exact area average (steps 3 and 4); a smaller image is enlarged by the same rule.
 *
 * source          uint8, `height` rows of `width` RGB pixels
 * width,height    1 to MIM_MAX_SIDE
 * stride          bytes from row to row, at least 3 width
 * target          uint8 (size, size, 3), rows without gaps; must not overlap the source
 * size            1 to MIM_MAX_SIZE
 * target_bytes    at least 3 size size
 * workspace       mim_resample_bytes(size) bytes, aligned to MIM_ALIGNMENT
 *
 * Integers only, sums of 64 bits: equal on every machine. Answers MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: the 2 x 2 image 0, 10, 20, 31 (each channel) becomes, at size 1, (122 + 4) div 8 = 15.
 */
mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, uint8_t *target, size_t size,
                        size_t target_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif
