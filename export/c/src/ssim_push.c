#include "internal.h"

mim_status mim_ssim_push(mim_ssim *state, const uint8_t *x, const int8_t *q) {
    size_t channel, i;
    if (!state || !x || !q) return MIM_NULL;
    if (state->rows.pushed >= state->rows.height) return MIM_ORDER;
    mim_rows_push(&state->rows, x, q);
    if (state->rows.pushed < MIM_WINDOW) return MIM_OK;
    for (channel = 0; channel < state->rows.channels; channel++) {
        const float *similarity = mim_rows_similarity(&state->rows, channel, 0);
        float sum = 0; /* of a row: a double for each window is slow where the hardware has only floats */
        for (i = 0; i < state->rows.width - 2 * MIM_BORDER; i++) sum += similarity[i];
        state->sum += (double)sum;
    }
    return MIM_OK;
}
