/* What several source files share; not part of the interface. */
#ifndef MIM_INTERNAL_H
#define MIM_INTERNAL_H

#include <math.h>
#include <string.h>

#include "../include/mim.h"

#ifdef __cplusplus
#define MIM_RESTRICT __restrict
#else
#define MIM_RESTRICT restrict
#endif

/* Side of the Gaussian window, and pixels from its centre to its edge. */
#define MIM_WINDOW 11
#define MIM_BORDER 5

/* Byte counts of the largest photograph would not fit into less. */
typedef char mim_size_t_has_32_bits[sizeof(size_t) >= 4 ? 1 : -1];

static inline int mim_in(size_t value, size_t least, size_t most) { return value >= least && value <= most; }

static inline int mim_aligned(const void *workspace) { return (uintptr_t)workspace % MIM_ALIGNMENT == 0; }

/* Whether `height` rows of `row` bytes can lie `stride` bytes apart in the address space. */
static inline int mim_stride_fits(size_t stride, size_t row, size_t height) {
    return stride >= row && (height < 2 || stride <= (SIZE_MAX - row) / (height - 1));
}

static inline int mim_mask_set_exists(const mim_mask_set *set) {
    return mim_in(set->size, 1, MIM_MAX_SIZE) && mim_in(set->cell, 1, set->size) && set->size % set->cell == 0 &&
           mim_in(set->count, 2, 255) && mim_in(set->step, 1, 255);
}

static inline size_t mim_label(const mim_mask_set *set, size_t y, size_t x) {
    return (x / set->cell + (y / set->cell) * set->step) % set->count;
}

/* In units of 1/255000, so that sums of luma are exact. */
static inline int32_t mim_luma(const uint8_t *rgb) { return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]; }

/* Lays the rows out in the workspace; the images have at least `least` pixels a side. */
mim_status mim_rows_begin(mim_rows *rows, size_t least, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes);

/* Drops the oldest row of each image and takes in a row of pixels, channel by channel. */
void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q);

/*
 * SSIM of the windows around the middle one of the rows. `pad` columns (0 or MIM_BORDER) are reflected at each side.
 * Returns width + 2 pad - 10 values, which stay valid until the next call.
 */
const float *mim_rows_similarity(const mim_rows *rows, size_t channel, size_t pad);

#endif
