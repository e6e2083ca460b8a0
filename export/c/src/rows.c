#include "internal.h"

size_t mim_ssim_bytes(size_t width, size_t channels) {
    if (!mim_in(width, MIM_BORDER, MIM_MAX_SIZE) || !mim_in(channels, 1, 4)) return 0;
    return 2 * MIM_WINDOW * width * channels + 5 * sizeof(float) * (width + 2 * MIM_BORDER);
}

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

void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q) {
    const size_t width = rows->width, channels = rows->channels, older = (MIM_WINDOW - 1) * width;
    size_t channel, i;
    for (channel = 0; channel < channels; channel++) {
        /* Moving the rows takes a few per cent of the time, but keeps them in order, so that loops need no modulus. */
        uint8_t *to_x = rows->x + channel * MIM_WINDOW * width;
        int8_t *to_q = rows->q + channel * MIM_WINDOW * width;
        memmove(to_x, to_x + width, older);
        memmove(to_q, to_q + width, older);
        for (i = 0; i < width; i++) {
            to_x[older + i] = x[i * channels + channel];
            to_q[older + i] = q[i * channels + channel];
        }
    }
    rows->pushed++;
}
