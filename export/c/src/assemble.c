#include "internal.h"

mim_status mim_assemble(const mim_mask_set *set, const int8_t *output, size_t mask, int8_t *inpainted,
                        size_t inpainted_bytes) {
    size_t y, x;
    if (!set || !output || !inpainted) return MIM_NULL;
    if (!mim_mask_set_exists(set) || mask >= set->count) return MIM_ARGUMENT;
    if (inpainted_bytes < 3 * set->size * set->size) return MIM_BUFFER;
    for (y = 0; y < set->size; y++)
        for (x = 0; x < set->size; x++, output += 3, inpainted += 3)
            if (mim_label(set, y, x) == mask) memcpy(inpainted, output, 3);
    return MIM_OK;
}
