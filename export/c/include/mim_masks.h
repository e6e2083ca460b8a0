/* The mask set, and the input and output of mim_micro.tflite: steps 5 and 6. */
#ifndef MIM_MASKS_H
#define MIM_MASKS_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `mask_set` of the manifest: mask (x div cell + (y div cell) step) mod count hides pixel (y, x). */
typedef struct mim_mask_set {
    size_t size;  /* side s of the image to inpaint, 1 to MIM_MAX_SIZE */
    size_t cell;  /* side of a cell in pixels; divides size */
    size_t count; /* number of masks, 2 to 255 */
    size_t step;  /* 1 to 255 */
} mim_mask_set;

/*
 * The number of the mask that hides a pixel.
 *
 * set   the mask set
 * y, x  row and column, less than set->size
 * label 0 to count - 1
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set), MIM_SIZE (outside the image).
 *
 * Example: size 96, cell 8, count 4, step 2: pixel (9, 17) is hidden by mask (2 + 1 * 2) mod 4 = 0.
 */
mim_status mim_mask_label(const mim_mask_set *set, size_t y, size_t x, uint8_t *label);

/* Bytes of workspace for mim_filled: 6 s. Example: 576 for 96 px. */
size_t mim_filled_bytes(size_t size);

/*
 * Writes the model's input for one mask. Channels 0 to 2 are the colours of kept pixels, and for hidden ones averages of
 * kept pixels (the contract, step 5a); channel 3 is 255 for kept pixels and 0 for hidden ones; 128 is subtracted from
 * all. The tensor's scale is 1/128 and its zero point -1.
 *
 * set             the mask set
 * rgb             uint8 (s, s, 3), the image to inpaint
 * mask            0 to count - 1
 * input           int8 (s, s, 4)
 * input_bytes     at least 4 s s
 * workspace       mim_filled_bytes(s) bytes
 *
 * rgb, input and workspace must not overlap: rgb is read until the end, and input holds intermediate results.
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set, or no such mask), MIM_BUFFER.
 *
 * Example: the pixel (200, 0, 255) gives (72, -128, 127, 127) if kept. Hidden pixels of an image of this colour give
 * (72, -128, 127, -128).
 */
mim_status mim_filled(const mim_mask_set *set, const uint8_t *rgb, size_t mask, int8_t *input, size_t input_bytes,
                      void *workspace, size_t workspace_bytes);

/*
 * Copies the pixels that one mask hides from the model's output into the inpainting. After one call for each mask the
 * inpainting is complete. The tensor's scale is 1/128 and its zero point -1, so q + 128 is the pixel: -28 is 100.
 *
 * set             the mask set
 * output          int8 (s, s, 3), the model's output for this mask
 * mask            0 to count - 1
 * inpainted       int8 (s, s, 3); other pixels are not changed. Must not overlap the output
 * inpainted_bytes at least 3 s s
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set, or no such mask), MIM_BUFFER.
 *
 * Example: size 2, cell 1, count 2, step 1: mask 0 copies the pixels (0, 0) and (1, 1).
 */
mim_status mim_assemble(const mim_mask_set *set, const int8_t *output, size_t mask, int8_t *inpainted,
                        size_t inpainted_bytes);

#ifdef __cplusplus
}
#endif

#endif
