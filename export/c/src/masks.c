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

/* Times that the empty pixels of a level are smoothed, and the side at which the levels end (or at an odd one). */
#define SWEEPS 8
#define FINEST_SWEEPS 2
#define COARSEST 4

size_t mim_filled_bytes(size_t size) { return mim_in(size, 1, MIM_MAX_SIZE) ? 6 * size : 0; }

/* The mean, rounded half up. */
static int8_t average(uint32_t sum, uint32_t count) { return (int8_t)((int32_t)((2 * sum + count) / (2 * count)) - 128); }

/* Writes the mean of the kept pixels of each block of `step` x `step` pixels, and in channel 3 whether there are any. */
static void write_known(const mim_mask_set *set, const uint8_t *rgb, size_t mask, size_t step, int8_t *level) {
    const size_t side = set->size / step;
    size_t row, column, y, x;
    for (row = 0; row < side; row++)
        for (column = 0; column < side; column++, level += 4) {
            uint32_t sums[3] = {0, 0, 0}, count = 0;
            for (y = row * step; y < (row + 1) * step; y++)
                for (x = column * step; x < (column + 1) * step; x++) {
                    const uint8_t *pixel = rgb + 3 * (y * set->size + x);
                    if (label_at(set, y, x) == mask) continue;
                    sums[0] += pixel[0];
                    sums[1] += pixel[1];
                    sums[2] += pixel[2];
                    count++;
                }
            level[3] = (int8_t)(count ? 127 : -128);
            if (!count) continue;
            level[0] = average(sums[0], count);
            level[1] = average(sums[1], count);
            level[2] = average(sums[2], count);
        }
}

/* The empty pixels of the coarsest level start from the mean of the others there. */
static void start_coarsest(size_t side, int8_t *level) {
    size_t channel, i;
    for (channel = 0; channel < 3; channel++) {
        uint32_t sum = 0, count = 0;
        for (i = 0; i < side * side; i++)
            if (level[4 * i + 3] > 0) {
                sum += (uint32_t)(level[4 * i + channel] + 128);
                count++;
            }
        for (i = 0; i < side * side; i++)
            if (level[4 * i + 3] < 0) level[4 * i + channel] = count ? average(sum, count) : (int8_t)-128;
    }
}

/* Repeats the pixels of a level in place, from the last to the first, so that none is overwritten before it is read. */
static void repeat_pixels(size_t side, int8_t *level) {
    size_t y, x;
    for (y = 2 * side; y-- > 0;)
        for (x = 2 * side; x-- > 0;) {
            int8_t *target = level + 4 * (y * 2 * side + x);
            const int8_t *source = level + 4 * (y / 2 * side + x / 2);
            target[0] = source[0];
            target[1] = source[1];
            target[2] = source[2];
        }
}

/* Replaces empty pixels by the mean of their neighbours before this sweep. `above` and `row` hold a row each. */
static void smooth(size_t side, int8_t *level, int8_t *above, int8_t *row) {
    size_t y, x, channel;
    for (y = 0; y < side; y++) {
        int8_t *line = level + 4 * y * side;
        for (x = 0; x < side; x++) memcpy(row + 3 * x, line + 4 * x, 3);
        for (x = 0; x < side; x++) {
            if (line[4 * x + 3] > 0) continue;
            for (channel = 0; channel < 3; channel++) {
                const int32_t own = row[3 * x + channel];
                const int32_t up = y > 0 ? above[3 * x + channel] : own;
                const int32_t down = y + 1 < side ? line[4 * (x + side) + channel] : own;
                const int32_t left = x > 0 ? row[3 * x + channel - 3] : own;
                const int32_t right = x + 1 < side ? row[3 * x + channel + 3] : own;
                line[4 * x + channel] = (int8_t)((up + down + left + right + 4 * 128 + 2) / 4 - 128);
            }
        }
        memcpy(above, row, 3 * side);
    }
}

mim_status mim_filled(const mim_mask_set *set, const uint8_t *rgb, size_t mask, int8_t *input, size_t input_bytes,
                      void *workspace, size_t workspace_bytes) {
    size_t side, sweep;
    if (!set || !rgb || !input || !workspace) return MIM_NULL;
    if (!mask_set_exists(set) || mask >= set->count) return MIM_ARGUMENT;
    if (input_bytes < 4 * set->size * set->size || workspace_bytes < mim_filled_bytes(set->size)) return MIM_BUFFER;
    for (side = set->size; side > COARSEST && side % 2 == 0; side /= 2) {
    }
    /* Every level is computed in the beginning of `input`: the pixels of the finest one are the result. */
    for (;; side *= 2) {
        write_known(set, rgb, mask, set->size / side, input);
        if (side <= COARSEST || side % 2) start_coarsest(side, input);
        for (sweep = 0; sweep < (side < set->size ? SWEEPS : FINEST_SWEEPS); sweep++)
            smooth(side, input, (int8_t *)workspace, (int8_t *)workspace + 3 * set->size);
        if (side == set->size) return MIM_OK;
        repeat_pixels(side, input);
    }
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
