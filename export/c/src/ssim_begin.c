#include "internal.h"

mim_status mim_ssim_begin(mim_ssim *state, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes) {
    if (!state) return MIM_NULL;
    memset(state, 0, sizeof *state); /* so that a push after a refused begin is refused too */
    return mim_rows_begin(&state->rows, MIM_WINDOW, width, height, channels, workspace, workspace_bytes);
}
