#include "internal.h"

/* Length of rows x statistics + offset, less its mean over the class, in deviations; the values lie one after another. */
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

mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *foreignness) {
    size_t count, i;
    const float *far;
    float lean, beyond;
    if (!head || !head->values || !statistics || !similarity || !foreignness) return MIM_NULL;
    count = head->statistics;
    if (!mim_in(count, 2, 2 * MIM_MAX_SIZE) || !mim_in(head->components, 1, count)) return MIM_SIZE;
    if (head->count != mim_head_count(count, head->components)) return MIM_ARGUMENT;
    lean = head->values[count];
    for (i = 0; i < count; i++) lean += head->values[i] * statistics[i];
    far = head->values + count + 1;
    *foreignness = distance(far + head->components * (count + 1) + 2, count, count, statistics);
    beyond = *foreignness - head->foreign;
    if (beyond < 0) beyond = 0;
    if (beyond > head->foreign_most) beyond = head->foreign_most;
    *similarity = lean - head->distance_weight * distance(far, head->components, count, statistics) -
                  head->foreign_weight * beyond;
    return isfinite(*similarity) && isfinite(*foreignness) ? MIM_OK : MIM_NUMBER;
}
