/* From the pixels of a camera or decoder to the input image of a model: steps 1 to 4a. */
#ifndef MIM_PIXELS_H
#define MIM_PIXELS_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Composites RGBA over white: (c a + 255 (255 - a) + 127) div 255. The image may be a part of the rows of a photograph.
 *
 * rgba         uint8, `height` rows of `width` pixels R, G, B, A, alpha not premultiplied
 * width,height 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS
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
    size_t width, height;   /* 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS */
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

/* Bytes of workspace for resampling: 36 size; 0 if size is not in 1 to MIM_MAX_SIZE. Example: 6912 for 192. */
size_t mim_resample_bytes(size_t size);

/* State of a resampling. Its members are private. */
typedef struct mim_resampler {
    void *sums; /* 3 size uint64 of the target row, 3 size uint32 of the source row */
    uint8_t *target;
    size_t at, along, down; /* index of the next target row; steps from pixel to pixel and from row to row */
    size_t width, height, pushed;
    size_t first, top;         /* of the centre square, as stored */
    uint32_t side, size, left; /* of the square and of the target; units that the target row still needs */
} mim_resampler;

/*
 * Starts resampling a photograph by exact area average (steps 3 and 4), from rows that are decoded one after another.
 * The centre square of the upright photograph becomes size x size pixels. Smaller images are enlarged by the same rule.
 *
 * state           initialized by this call
 * width,height    of the photograph as it is stored, 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS
 * orientation     1 to 8, the value of the EXIF tag 0x0112; 1 if the file has none
 * target          uint8 (size, size, 3), rows without padding, upright; used until mim_resample_end
 * size            1 to MIM_MAX_SIZE
 * target_bytes    at least 3 size size
 * workspace       mim_resample_bytes(size) bytes, aligned to MIM_ALIGNMENT; used until mim_resample_end
 *
 * Uses integers only, with 64-bit sums: the result is the same on every machine, and the same as if the whole
 * photograph had been turned upright first.
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT (orientation), MIM_BUFFER.
 *
 * Example: a photograph of 16384 x 15258 pixels for 192 px: begin, push 15258 rows of 49152 bytes, end. The state takes
 * 6912 bytes of workspace.
 */
mim_status mim_resample_begin(mim_resampler *state, size_t width, size_t height, int orientation, uint8_t *target,
                              size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes);

/*
 * Adds the next rows as they are stored, from top to bottom. Rows outside the centre square take no time.
 *
 * rows   uint8, `count` rows of `width` RGB pixels; must not overlap target and workspace
 * count  0 to the number of missing rows
 * stride bytes from row to row, at least 3 width
 *
 * Errors: MIM_NULL, MIM_ORDER (more rows than the photograph has, or begin failed), MIM_STRIDE.
 */
mim_status mim_resample_push(mim_resampler *state, const uint8_t *rows, size_t count, size_t stride);

/*
 * Says whether the target is complete. If it is not, do not use it.
 *
 * Errors: MIM_NULL, MIM_ORDER (rows are missing: the file is damaged).
 */
mim_status mim_resample_end(const mim_resampler *state);

/*
 * Resamples a photograph in memory: begin, push of all rows, end.
 *
 * source          uint8, `height` rows of `width` RGB pixels, as stored
 * stride          bytes from row to row, at least 3 width
 * other arguments as for mim_resample_begin
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT, MIM_BUFFER, MIM_STRIDE.
 *
 * Example: at size 1 the 2 x 2 image 0, 10, 20, 31 (in each channel) becomes (122 + 4) div 8 = 15. At size 2 it becomes
 * 20, 0, 31, 10 with the orientation 6 (turn clockwise), and 10, 0, 31, 20 with 2 (mirror).
 */
mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, int orientation,
                        uint8_t *target, size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif
