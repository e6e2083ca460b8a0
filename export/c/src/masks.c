#include "internal.h"

static int mask_set_exists(const mim_mask_set *set) {
    return mim_in(set->size, 1, MIM_MAX_SIZE) && mim_in(set->cell, 1, set->size) && set->size % set->cell == 0 &&
           mim_in(set->count, 2, 255) && mim_in(set->step, 1, 255);
}

static size_t label_at(const mim_mask_set *set, size_t y, size_t x) {
    return (x / set->cell + (y / set->cell) * set->step) % set->count;
}

mim_status mim_mask_label(const mim_mask_set *set, size_t y, size_t x, uint8_t *label) {
    if (!set || !label) return MIM_NULL;
    if (!mask_set_exists(set)) return MIM_ARGUMENT;
    if (y >= set->size || x >= set->size) return MIM_SIZE;
    *label = (uint8_t)label_at(set, y, x);
    return MIM_OK;
}

mim_status mim_masked(const mim_mask_set *set, const uint8_t *rgb, size_t mask, int8_t *input, size_t input_bytes) {
    size_t y, x;
    if (!set || !rgb || !input) return MIM_NULL;
    if (!mask_set_exists(set) || mask >= set->count) return MIM_ARGUMENT;
    if (input_bytes < 4 * set->size * set->size) return MIM_BUFFER;
    for (y = 0; y < set->size; y++)
        for (x = 0; x < set->size; x++, rgb += 3, input += 4) {
            const int kept = label_at(set, y, x) != mask;
            input[0] = (int8_t)(kept ? rgb[0] - 128 : -128);
            input[1] = (int8_t)(kept ? rgb[1] - 128 : -128);
            input[2] = (int8_t)(kept ? rgb[2] - 128 : -128);
            input[3] = (int8_t)(kept ? 127 : -128);
        }
    return MIM_OK;
}

mim_status mim_assemble(const mim_mask_set *set, const int8_t *output, size_t mask, int8_t *inpainted,
                        size_t inpainted_bytes) {
    size_t y, x;
    if (!set || !output || !inpainted) return MIM_NULL;
    if (!mask_set_exists(set) || mask >= set->count) return MIM_ARGUMENT;
    if (inpainted_bytes < 3 * set->size * set->size) return MIM_BUFFER;
    for (y = 0; y < set->size; y++)
        for (x = 0; x < set->size; x++, output += 3, inpainted += 3)
            if (label_at(set, y, x) == mask) memcpy(inpainted, output, 3);
    return MIM_OK;
}
