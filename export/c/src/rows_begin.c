#include "internal.h"

mim_status mim_rows_begin(mim_rows *rows, size_t least, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes) {
    if (!workspace) return MIM_NULL;
    if (!mim_in(width, least, MIM_MAX_SIZE) || !mim_in(height, least, MIM_MAX_SIZE) || !mim_in(channels, 1, 4))
        return MIM_SIZE;
    if (workspace_bytes < mim_ssim_bytes(width, channels) || !mim_aligned(workspace)) return MIM_BUFFER;
    rows->columns = workspace;
    rows->x = (uint8_t *)workspace + 5 * sizeof(float) * (width + 2 * MIM_BORDER);
    rows->q = (int8_t *)rows->x + MIM_WINDOW * width * channels;
    rows->width = width;
    rows->height = height;
    rows->channels = channels;
    rows->pushed = 0;
    return MIM_OK;
}
