#include "internal.h"

mim_status mim_ssim_fixed_end(const mim_ssim_fixed *state, int32_t *ssim) {
    if (!state || !ssim) return MIM_NULL;
    if (state->rows.height == 0 || state->rows.pushed != state->rows.height) return MIM_ORDER;
    {
        const size_t across = state->rows.width - 2 * MIM_BORDER, down = state->rows.height - 2 * MIM_BORDER;
        /* The sum is in units of 2^-15. */
        *ssim = (int32_t)(2 * state->sum / (int64_t)(across * down * state->rows.channels));
    }
    return MIM_OK;
}
