#include "internal.h"

mim_status mim_masked(const mim_mask_set *set, const uint8_t *rgb, size_t mask, int8_t *input, size_t input_bytes) {
    size_t y, x;
    if (!set || !rgb || !input) return MIM_NULL;
    if (!mim_mask_set_exists(set) || mask >= set->count) return MIM_ARGUMENT;
    if (input_bytes < 4 * set->size * set->size) return MIM_BUFFER;
    for (y = 0; y < set->size; y++)
        for (x = 0; x < set->size; x++, rgb += 3, input += 4) {
            const int kept = mim_label(set, y, x) != mask;
            input[0] = (int8_t)(kept ? rgb[0] - 128 : -128);
            input[1] = (int8_t)(kept ? rgb[1] - 128 : -128);
            input[2] = (int8_t)(kept ? rgb[2] - 128 : -128);
            input[3] = (int8_t)(kept ? 127 : -128);
        }
    return MIM_OK;
}
