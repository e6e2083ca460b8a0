#include "internal.h"

size_t mim_head_count(size_t statistics, size_t components) {
    const size_t linear = statistics + 1, class_distance = components * statistics + components + 2;
    const size_t novelty = statistics * statistics + statistics + 2;
    return linear + class_distance + novelty;
}

/* Added to each position's error, so that a perfect inpainting gives equal weights. */
#define MIN_WEIGHT 0.01f

mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes) {
    const size_t cells = size / MIM_CELL;
    float sum = 0;
    size_t row, column, y, i;
    if (!x || !q || !weights) return MIM_NULL;
    if (!mim_in(size, MIM_CELL, MIM_MAX_SIZE) || size % MIM_CELL) return MIM_SIZE;
    if (weights_bytes < cells * cells * sizeof *weights) return MIM_BUFFER;
    for (row = 0; row < cells; row++)
        for (column = 0; column < cells; column++) {
            /* Sum of |x - (q + 128)| in levels of 1 / 255: integers, so that it is exact. */
            uint32_t error = 0;
            for (y = 0; y < MIM_CELL; y++) {
                const size_t start = 3 * ((row * MIM_CELL + y) * size + column * MIM_CELL);
                for (i = start; i < start + 3 * MIM_CELL; i++) {
                    const int32_t difference = (int32_t)x[i] - ((int32_t)q[i] + 128);
                    error += (uint32_t)(difference < 0 ? -difference : difference);
                }
            }
            weights[row * cells + column] = (float)error / (255.0f * 3 * MIM_CELL * MIM_CELL) + MIN_WEIGHT;
            sum += weights[row * cells + column];
        }
    for (i = 0; i < cells * cells; i++) weights[i] /= sum;
    return MIM_OK;
}

mim_status mim_statistics(const int8_t *features, size_t positions, size_t channels, float scale, int32_t zero,
                          const float *weights, float *statistics, size_t statistics_bytes) {
    size_t channel, i;
    if (!features || !weights || !statistics) return MIM_NULL;
    if (!mim_in(positions, 1, MIM_MAX_SIZE) || !mim_in(channels, 1, MIM_MAX_SIZE)) return MIM_SIZE;
    if (statistics_bytes < 2 * channels * sizeof *statistics) return MIM_BUFFER;
    if (!isfinite(scale) || scale <= 0) return MIM_NUMBER;
    for (channel = 0; channel < channels; channel++) {
        const int8_t *value = features + channel;
        float mean = 0, square = 0;
        for (i = 0; i < positions; i++) mean += weights[i] * (float)value[i * channels];
        for (i = 0; i < positions; i++) {
            const float offset = (float)value[i * channels] - mean;
            square += weights[i] * offset * offset;
        }
        statistics[channel] = scale * (mean - (float)zero);
        statistics[channels + channel] = scale * sqrtf(square);
    }
    return MIM_OK;
}

/*
 * The norm of matrix x statistics + offset, standardized by its mean and standard deviation over the class. `values`
 * holds the matrix, the offset, the mean and the deviation in this order.
 */
static float distance(const float *values, size_t rows, size_t count, const float *statistics) {
    const float *offset = values + rows * count, *scale = offset + rows;
    float square = 0;
    size_t row, i;
    for (row = 0; row < rows; row++, values += count) {
        float sum = offset[row];
        for (i = 0; i < count; i++) sum += values[i] * statistics[i];
        square += sum * sum;
    }
    return (sqrtf(square) - scale[0]) / scale[1];
}

mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *novelty) {
    size_t count, i;
    const float *class_distance;
    float linear, excess;
    if (!head || !head->values || !statistics || !similarity || !novelty) return MIM_NULL;
    count = head->statistics;
    if (!mim_in(count, 2, 2 * MIM_MAX_SIZE) || !mim_in(head->components, 1, count)) return MIM_SIZE;
    if (head->count != mim_head_count(count, head->components)) return MIM_ARGUMENT;
    linear = head->values[count];
    for (i = 0; i < count; i++) linear += head->values[i] * statistics[i];
    class_distance = head->values + count + 1;
    *novelty = distance(class_distance + head->components * (count + 1) + 2, count, count, statistics);
    excess = *novelty - head->novelty_start;
    if (excess < 0) excess = 0;
    if (excess > head->novelty_range) excess = head->novelty_range;
    *similarity = linear - head->distance_weight * distance(class_distance, head->components, count, statistics) -
                  head->novelty_weight * excess;
    return isfinite(*similarity) && isfinite(*novelty) ? MIM_OK : MIM_NUMBER;
}
