#include "internal.h"

mim_status mim_mask_label(const mim_mask_set *set, size_t y, size_t x, uint8_t *label) {
    if (!set || !label) return MIM_NULL;
    if (!mim_mask_set_exists(set)) return MIM_ARGUMENT;
    if (y >= set->size || x >= set->size) return MIM_SIZE;
    *label = (uint8_t)mim_label(set, y, x);
    return MIM_OK;
}
