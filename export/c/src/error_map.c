#include "internal.h"

/* Row `row` of `height` rows that are reflected about their edges, counted from MIM_BORDER rows above the first. */
static size_t reflected(size_t row, size_t height) {
    if (row < MIM_BORDER) return MIM_BORDER - 1 - row;
    row -= MIM_BORDER;
    return row < height ? row : 2 * height - 1 - row;
}

mim_status mim_error_map(const uint8_t *x, const int8_t *q, size_t width, size_t height, size_t channels, float *map,
                         size_t map_bytes, void *workspace, size_t workspace_bytes) {
    mim_rows rows;
    mim_status status;
    size_t row, channel, i;
    if (!x || !q || !map) return MIM_NULL;
    status = mim_rows_begin(&rows, MIM_BORDER, width, height, channels, workspace, workspace_bytes);
    if (status != MIM_OK) return status;
    if (map_bytes < width * height * sizeof *map) return MIM_BUFFER;
    for (row = 0; row < height + 2 * MIM_BORDER; row++) {
        const size_t from = reflected(row, height) * width * channels;
        mim_rows_push(&rows, x + from, q + from);
        if (rows.pushed < MIM_WINDOW) continue;
        for (i = 0; i < width; i++) map[i] = 0;
        for (channel = 0; channel < channels; channel++) {
            const float *similarity = mim_rows_similarity(&rows, channel, MIM_BORDER);
            for (i = 0; i < width; i++) map[i] += 1 - similarity[i];
        }
        for (i = 0; i < width; i++) map[i] /= (float)channels;
        map += width;
    }
    return MIM_OK;
}
