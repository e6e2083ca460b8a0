#include "internal.h"

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
            const float off = (float)value[i * channels] - mean;
            square += weights[i] * off * off;
        }
        statistics[channel] = scale * (mean - (float)zero);
        statistics[channels + channel] = scale * sqrtf(square);
    }
    return MIM_OK;
}
