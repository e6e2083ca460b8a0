/* The measure deep, from the outputs of mim_micro.tflite and mim_features.tflite: step 7a. */
#ifndef MIM_DEEP_H
#define MIM_DEEP_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Side in pixels of the inpainted image that a position of the features stands for. */
#define MIM_CELL 8

/* Content of head.f32 and `measure.network` of a manifest. */
typedef struct mim_head {
    const float *values;   /* count values in the order of head.f32 */
    size_t count;          /* mim_head_count(statistics, components) */
    size_t statistics;     /* D, 2 to 2 MIM_MAX_SIZE, even */
    size_t components;     /* K, 1 to D */
    float distance_weight; /* 0 or more, as the other three */
    float foreign_weight;
    float foreign;
    float foreign_most;
} mim_head;

/*
 * How many values a head has: D + 1 + (K D + K + 2) + (D D + D + 2).
 *
 * Example: 160 statistics and 30 components need 30 755.
 */
size_t mim_head_count(size_t statistics, size_t components);

/*
 * Share of each position of the features in the error of the inpainting.
 *
 * x             uint8 (size, size, 3), the image that was inpainted
 * q             int8, its inpainting, complete
 * size          8 to MIM_MAX_SIZE, a multiple of MIM_CELL
 * weights       float (size / 8, size / 8), of sum 1
 * weights_bytes at least 4 (size / 8) (size / 8)
 *
 * Answers MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: where nothing errs, 96 px give 144 times 1 / 144.
 */
mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes);

/*
 * Weighted mean, then standard deviation, of each channel of the features.
 *
 * features    int8 (positions, channels), output of mim_features.tflite
 * positions   1 to MIM_MAX_SIZE
 * channels    1 to MIM_MAX_SIZE
 * scale, zero of that tensor: real = scale (q - zero)
 * weights     float (positions), of sum 1
 * statistics  float (2 channels)
 * statistics_bytes at least 8 channels
 *
 * Answers MIM_NULL, MIM_SIZE, MIM_BUFFER, MIM_NUMBER (scale is not above 0).
 *
 * Example: one channel of 3 and 7 at two positions of weight 0.5, scale 2, zero 1: mean 8, deviation 4.
 */
mim_status mim_statistics(const int8_t *features, size_t positions, size_t channels, float scale, int32_t zero,
                          const float *weights, float *statistics, size_t statistics_bytes);

/*
 * Similarity and foreignness of the statistics.
 *
 * head        of the bundle
 * statistics  float (head->statistics)
 * similarity  a linear function, less a distance, less what is foreign; finite
 * foreignness for mim_gate
 *
 * Answers MIM_NULL, MIM_SIZE, MIM_ARGUMENT (count is not that of such a head), MIM_NUMBER (not finite).
 */
mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *foreignness);

#ifdef __cplusplus
}
#endif

#endif
