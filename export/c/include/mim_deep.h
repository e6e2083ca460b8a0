/* The measure deep, computed from the outputs of mim_micro.tflite and mim_features.tflite: step 7a. */
#ifndef MIM_DEEP_H
#define MIM_DEEP_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Side in pixels of the square of the inpainted image that one position of the features covers. */
#define MIM_CELL 8

/* Content of head.f32, and the constants of `measure.network` in the manifest. */
typedef struct mim_head {
    const float *values;   /* count values in the order of head.f32 */
    size_t count;          /* mim_head_count(statistics, components) */
    size_t statistics;     /* D, 2 to 2 MIM_MAX_SIZE, even */
    size_t components;     /* K, 1 to D */
    float distance_weight; /* 0 or more like the next three */
    float novelty_weight;
    float novelty_start; /* novelty below this costs nothing */
    float novelty_range; /* novelty beyond start + range costs no more */
} mim_head;

/*
 * The number of values of a head: D + 1 + (K D + K + 2) + (D D + D + 2).
 *
 * Example: 160 statistics and 30 components need 30 755.
 */
size_t mim_head_count(size_t statistics, size_t components);

/*
 * Weight of each position of the features: its share of the inpainting error.
 *
 * x             uint8 (size, size, 3), the image before inpainting
 * q             int8 (size, size, 3), its complete inpainting
 * size          8 to MIM_MAX_SIZE, a multiple of MIM_CELL
 * weights       float (size / 8, size / 8); they sum to 1
 * weights_bytes at least 4 (size / 8) (size / 8)
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: without any error, 96 px give 144 weights of 1 / 144.
 */
mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes);

/*
 * Weighted mean of each channel of the features, followed by the weighted standard deviation of each channel.
 *
 * features    int8 (positions, channels), output of mim_features.tflite
 * positions   1 to MIM_MAX_SIZE
 * channels    1 to MIM_MAX_SIZE
 * scale, zero quantization of that tensor: real = scale (q - zero)
 * weights     float (positions); they sum to 1
 * statistics  float (2 channels)
 * statistics_bytes at least 8 channels
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER, MIM_NUMBER (scale is not above 0).
 *
 * Example: one channel of 3 and 7 at two positions of weight 0.5, scale 2, zero 1: mean 8, deviation 4.
 */
mim_status mim_statistics(const int8_t *features, size_t positions, size_t channels, float scale, int32_t zero,
                          const float *weights, float *statistics, size_t statistics_bytes);

/*
 * Similarity and novelty of the statistics.
 *
 * The similarity is a linear function of the statistics, less the weighted distance to the class in the subspace of K
 * components, less the weighted novelty. The novelty is the distance to the class in all D dimensions.
 *
 * head        of the bundle
 * statistics  float (head->statistics)
 * similarity  finite
 * novelty     finite; the input of mim_gate
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT (count does not match statistics and components), MIM_NUMBER (not finite).
 */
mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *novelty);

#ifdef __cplusplus
}
#endif

#endif
