#include "internal.h"

/*
 * Lengths are in units of 1 / size of a source pixel, as in the contract: a source pixel is `size` units long, and a
 * target pixel is `side` units long. Each target pixel takes as many units as it needs from the source pixels in turn,
 * along a row and from row to row, so no length is divided.
 */

/* Weighted sums along one row of the square; each is at most 255 side. */
static void sum_row(const uint8_t *pixel, uint32_t side, uint32_t size, uint32_t *sums) {
    uint32_t left = size, k; /* units of the pixel that no target pixel has taken */
    for (k = 0; k < size; k++) {
        uint32_t need = side, red = 0, green = 0, blue = 0;
        do { /* at most twice: the first pixel and the whole ones, then a part of the last */
            const uint32_t taken = left < need ? left : need;
            uint32_t r = 0, g = 0, b = 0;
            red += taken * pixel[0];
            green += taken * pixel[1];
            blue += taken * pixel[2];
            need -= taken;
            left -= taken;
            if (left) break;
            left = size;
            for (pixel += 3; need >= size; need -= size, pixel += 3) {
                r += pixel[0];
                g += pixel[1];
                b += pixel[2];
            }
            red += r * size;
            green += g * size;
            blue += b * size;
        } while (need);
        *sums++ = red;
        *sums++ = green;
        *sums++ = blue;
    }
}

/* Rounds the sums of a target row, writes it, and starts the next one. */
static void write_row(mim_resampler *state, uint64_t *sums) {
    const uint64_t area = (uint64_t)state->side * state->side;
    size_t k, channel, at = state->at;
    for (k = 0; k < state->size; k++, at += state->along)
        for (channel = 0; channel < 3; channel++, sums++) {
            state->target[at + channel] = (uint8_t)((2 * *sums + area) / (2 * area));
            *sums = 0;
        }
    state->at += state->down;
    state->left = state->side;
}

/* One 64-bit sum and one 32-bit sum for each channel of a row. */
size_t mim_resample_bytes(size_t size) { return mim_in(size, 1, MIM_MAX_SIZE) ? 36 * size : 0; }

mim_status mim_resample_begin(mim_resampler *state, size_t width, size_t height, int orientation, uint8_t *target,
                              size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes) {
    if (!state) return MIM_NULL;
    state->height = state->pushed = 0; /* if the call fails, push and end fail as well */
    if (!target || !workspace) return MIM_NULL;
    if (!mim_photo_fits(width, height) || !mim_in(size, 1, MIM_MAX_SIZE)) return MIM_SIZE;
    if (orientation < 1 || orientation > 8) return MIM_ARGUMENT;
    if (target_bytes < 3 * size * size || workspace_bytes < mim_resample_bytes(size) || !mim_aligned(workspace))
        return MIM_BUFFER;
    {
        const size_t side = width < height ? width : height;
        /* Bit n says whether the orientation n reverses the stored columns, and the stored rows. */
        const size_t from_right = 0x18cu >> orientation & 1, from_bottom = 0xd8u >> orientation & 1;
        state->along = orientation >= 5 ? 3 * size : 3;
        state->down = orientation >= 5 ? 3 : 3 * size;
        state->at = (size - 1) * (from_right * state->along + from_bottom * state->down);
        /* Negative steps wrap around in size_t. This is defined behaviour, and so is adding them to an index. */
        if (from_right) state->along = (size_t)0 - state->along;
        if (from_bottom) state->down = (size_t)0 - state->down;
        /* If an odd number of pixels is left out, the upright image loses one more at its right or bottom. */
        state->first = (width - side + from_right) / 2;
        state->top = (height - side + from_bottom) / 2;
        state->sums = workspace;
        state->target = target;
        state->width = width;
        state->height = height;
        state->side = state->left = (uint32_t)side;
        state->size = (uint32_t)size;
        memset(workspace, 0, 24 * size);
    }
    return MIM_OK;
}

mim_status mim_resample_push(mim_resampler *state, const uint8_t *rows, size_t count, size_t stride) {
    if (!state || !rows) return MIM_NULL;
    if (state->height == 0 || count > state->height - state->pushed) return MIM_ORDER;
    if (!mim_stride_fits(stride, 3 * state->width, count)) return MIM_STRIDE;
    {
        uint64_t *sums = (uint64_t *)state->sums;
        uint32_t *row = (uint32_t *)(sums + 3 * state->size);
        const size_t end = state->pushed + count;
        for (; state->pushed < end; state->pushed++, rows += stride) {
            uint32_t units = state->size;
            size_t k;
            if (state->pushed < state->top || state->pushed - state->top >= state->side) continue;
            sum_row(rows + 3 * state->first, state->side, state->size, row);
            while (units) { /* an image that is enlarged has several target rows in one source row */
                const uint32_t weight = units < state->left ? units : state->left;
                for (k = 0; k < 3 * state->size; k++) sums[k] += (uint64_t)weight * row[k];
                units -= weight;
                state->left -= weight;
                if (!state->left) write_row(state, sums);
            }
        }
    }
    return MIM_OK;
}

mim_status mim_resample_end(const mim_resampler *state) {
    if (!state) return MIM_NULL;
    return state->height > 0 && state->pushed == state->height ? MIM_OK : MIM_ORDER;
}

mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, int orientation,
                        uint8_t *target, size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes) {
    mim_resampler state;
    const mim_status status =
        mim_resample_begin(&state, width, height, orientation, target, size, target_bytes, workspace, workspace_bytes);
    return status == MIM_OK ? mim_resample_push(&state, source, height, stride) : status;
}
