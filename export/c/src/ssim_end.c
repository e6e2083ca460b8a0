#include "internal.h"

mim_status mim_ssim_end(const mim_ssim *state, float *ssim) {
    if (!state || !ssim) return MIM_NULL;
    if (state->rows.height == 0 || state->rows.pushed != state->rows.height) return MIM_ORDER;
    {
        const size_t across = state->rows.width - 2 * MIM_BORDER, down = state->rows.height - 2 * MIM_BORDER;
        *ssim = (float)(state->sum / (double)(across * down * state->rows.channels));
    }
    return MIM_OK;
}
