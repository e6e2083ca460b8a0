/*
 * SSIM between image and inpainting, computed row by row, and the error map: step 7.
 *
 * The image is uint8 with x = value / 255, the inpainting int8 with y = (q + 128) / 255. The window is an 11 x 11
 * Gaussian of sigma 1.5; variances are population variances; C1 = 0.0001, C2 = 0.0009. The mean is over the windows
 * inside the image and over the channels.
 */
#ifndef MIM_SSIM_H
#define MIM_SSIM_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The last 11 rows of both images and one row of moments. Its members are private. */
typedef struct mim_rows {
    void *columns; /* 5 (width + 10) floats or int32 */
    uint8_t *x;    /* for each channel 11 rows of width bytes */
    int8_t *q;
    size_t width, height, channels, pushed;
} mim_rows;

/* State of a float SSIM. Its members are private. */
typedef struct mim_ssim {
    mim_rows rows;
    double sum;
} mim_ssim;

/* State of a fixed-point SSIM. Its members are private. */
typedef struct mim_ssim_fixed {
    mim_rows rows;
    int64_t sum;
} mim_ssim_fixed;

/*
 * Bytes of workspace for either SSIM and for the error map: 22 width channels + 20 (width + 10).
 * 0 if width is not in 5 to MIM_MAX_SIZE or channels not in 1 to 4. Example: 8456 for 96 px and 3 channels.
 */
size_t mim_ssim_bytes(size_t width, size_t channels);

/*
 * Starts a float SSIM, for processors with a floating-point unit. Within 0.00001 of scikit-image.
 *
 * state           initialized by this call
 * width,height    11 to MIM_MAX_SIZE
 * channels        1 to 4
 * workspace       mim_ssim_bytes(width, channels) bytes, aligned to MIM_ALIGNMENT; used until mim_ssim_end
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: begin with 96 x 96 x 3, push the rows 0 to 95, end.
 */
mim_status mim_ssim_begin(mim_ssim *state, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes);

/*
 * Adds the next row; rows go from top to bottom.
 *
 * x  uint8 (width, channels), a row of the image
 * q  int8 (width, channels), the same row of the inpainting
 *
 * Errors: MIM_NULL, MIM_ORDER (all rows were pushed already, or begin was not called).
 */
mim_status mim_ssim_push(mim_ssim *state, const uint8_t *x, const int8_t *q);

/*
 * Writes the SSIM, in [-1, 1], after all rows have been pushed.
 *
 * Errors: MIM_NULL, MIM_ORDER (rows are missing).
 *
 * Example: x = 0 and q = -128 everywhere (both black) give 1; x = 255 and q = -128 (white and black) give
 * 0.0001 / 1.0001 = 0.00009999.
 */
mim_status mim_ssim_end(const mim_ssim *state, float *ssim);

/* Like mim_ssim_begin, for processors without a floating-point unit. Within 0.001 of scikit-image. */
mim_status mim_ssim_fixed_begin(mim_ssim_fixed *state, size_t width, size_t height, size_t channels, void *workspace,
                                size_t workspace_bytes);

/* Like mim_ssim_push. Uses integers only. */
mim_status mim_ssim_fixed_push(mim_ssim_fixed *state, const uint8_t *x, const int8_t *q);

/* Like mim_ssim_end; the result is in units of 1/65536. Example: 32768 is an SSIM of 0.5. */
mim_status mim_ssim_fixed_end(const mim_ssim_fixed *state, int32_t *ssim);

/*
 * 1 - SSIM at each pixel, averaged over the channels. Both images are padded by reflection, with the edge pixel
 * repeated.
 *
 * x               uint8 (height, width, channels)
 * q               int8, the same shape
 * width,height    5 to MIM_MAX_SIZE
 * channels        1 to 4
 * map             float (height, width), in [0, 2], 0 where the images are equal
 * map_bytes       at least 4 width height
 * workspace       mim_ssim_bytes(width, channels) bytes, aligned to MIM_ALIGNMENT
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: a white image and a black inpainting give 1 - 0.00009999 = 0.99990001 everywhere.
 */
mim_status mim_error_map(const uint8_t *x, const int8_t *q, size_t width, size_t height, size_t channels, float *map,
                         size_t map_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif
