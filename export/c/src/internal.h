/* Declarations that several source files share. Not part of the interface. */
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

/* Side of the Gaussian window, and the number of pixels from its centre to its edge. */
#define MIM_WINDOW 11
#define MIM_BORDER 5

/* The byte count of the largest photograph, with four channels, needs 32 bits. */
typedef char mim_size_t_has_32_bits[sizeof(size_t) >= 4 ? 1 : -1];

static inline int mim_in(size_t value, size_t least, size_t most) { return value >= least && value <= most; }

/* Both sides have at most 16 bits, so their product fits into 32. */
static inline int mim_photo_fits(size_t width, size_t height) {
    return mim_in(width, 1, MIM_MAX_SIDE) && mim_in(height, 1, MIM_MAX_SIDE) && width * height <= MIM_MAX_PIXELS;
}

static inline int mim_aligned(const void *workspace) { return (uintptr_t)workspace % MIM_ALIGNMENT == 0; }

/* Whether `height` rows of `row` bytes, `stride` bytes apart, fit into the address space. */
static inline int mim_stride_fits(size_t stride, size_t row, size_t height) {
    return stride >= row && (height < 2 || stride <= (SIZE_MAX - row) / (height - 1));
}

/* Places the rows in the workspace. The images have at least `least` pixels per side. */
mim_status mim_rows_begin(mim_rows *rows, size_t least, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes);

/* Drops the oldest row of each image and stores a new one, channel by channel. */
void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q);

#endif
