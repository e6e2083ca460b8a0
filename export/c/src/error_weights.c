#include "internal.h"

/* Weight of a position without any error, so that a perfect inpainting weighs all alike. */
#define LEAST 0.0001f

mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes) {
    const size_t cells = size / MIM_CELL;
    float all = 0;
    size_t row, column, y, i;
    if (!x || !q || !weights) return MIM_NULL;
    if (!mim_in(size, MIM_CELL, MIM_MAX_SIZE) || size % MIM_CELL) return MIM_SIZE;
    if (weights_bytes < cells * cells * sizeof *weights) return MIM_BUFFER;
    for (row = 0; row < cells; row++)
        for (column = 0; column < cells; column++) {
            /* Of |x / 255 - (q + 128) / 256|, in units of 1 / 65280: sums are exact. */
            uint32_t error = 0;
            for (y = 0; y < MIM_CELL; y++) {
                const size_t start = 3 * ((row * MIM_CELL + y) * size + column * MIM_CELL);
                for (i = start; i < start + 3 * MIM_CELL; i++) {
                    const int32_t difference = 256 * (int32_t)x[i] - 255 * ((int32_t)q[i] + 128);
                    error += (uint32_t)(difference < 0 ? -difference : difference);
                }
            }
            weights[row * cells + column] = (float)error / (65280.0f * 3 * MIM_CELL * MIM_CELL) + LEAST;
            all += weights[row * cells + column];
        }
    for (i = 0; i < cells * cells; i++) weights[i] /= all;
    return MIM_OK;
}
