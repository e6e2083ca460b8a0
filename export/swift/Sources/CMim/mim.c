/* mim-tf: all sources of the C library in one file. Written by export/c/amalgamate.sh: do not edit. */
#include "mim.h"

/* src/internal.h */
/* Declarations that several source files share. Not part of the interface. */
#ifndef MIM_INTERNAL_H
#define MIM_INTERNAL_H

#include <math.h>
#include <string.h>


#ifdef __cplusplus
#define MIM_RESTRICT __restrict
#else
#define MIM_RESTRICT restrict
#endif

/* Side of the Gaussian window, and the number of pixels from its centre to its edge. */
#define MIM_WINDOW 11
#define MIM_BORDER 5

/* The byte count of the largest photograph, with four channels, needs 32 bits. */
typedef char mim_size_t_has_32_bits[sizeof(size_t) >= 4 ? 1 : -1];

static inline int mim_in(size_t value, size_t least, size_t most) { return value >= least && value <= most; }

/* Both sides have at most 16 bits, so their product fits into 32. */
static inline int mim_photo_fits(size_t width, size_t height) {
    return mim_in(width, 1, MIM_MAX_SIDE) && mim_in(height, 1, MIM_MAX_SIDE) && width * height <= MIM_MAX_PIXELS;
}

static inline int mim_aligned(const void *workspace) { return (uintptr_t)workspace % MIM_ALIGNMENT == 0; }

/* Whether `height` rows of `row` bytes, `stride` bytes apart, fit into the address space. */
static inline int mim_stride_fits(size_t stride, size_t row, size_t height) {
    return stride >= row && (height < 2 || stride <= (SIZE_MAX - row) / (height - 1));
}

/* Places the rows in the workspace. The images have at least `least` pixels per side. */
mim_status mim_rows_begin(mim_rows *rows, size_t least, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes);

/* Drops the oldest row of each image and stores a new one, channel by channel. */
void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q);

#endif

/* src/decide.c */

/* In units of 1/255000: integers, so that sums of luma are exact. */
static int32_t luma(const uint8_t *rgb) { return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]; }

mim_status mim_contrast(const uint8_t *rgb, size_t size, float *contrast) {
    const size_t count = size * size;
    int64_t sum = 0, squares = 0;
    size_t i;
    int32_t first;
    if (!rgb || !contrast) return MIM_NULL;
    if (!mim_in(size, 1, MIM_MAX_SIZE)) return MIM_SIZE;
    /* Offsets from the first pixel, so that an image of one colour gives exactly 0. Squares stay below 2^24 2^36. */
    first = luma(rgb);
    for (i = 0; i < count; i++) {
        const int32_t offset = luma(rgb + 3 * i) - first;
        sum += offset;
        squares += (int64_t)offset * offset;
    }
    {
        const double mean = (double)sum / (double)count;
        const double variance = (double)squares / (double)count - mean * mean;
        *contrast = (float)(sqrt(variance > 0 ? variance : 0) / 255000);
    }
    return MIM_OK;
}

static inline uint32_t difference(int32_t a, int32_t b) { return (uint32_t)(a > b ? a - b : b - a); }

mim_status mim_detail(const uint8_t *rgb, size_t size, float *detail) {
    uint64_t sum = 0;
    size_t y, x;
    if (!rgb || !detail) return MIM_NULL;
    if (!mim_in(size, 2, MIM_MAX_SIZE)) return MIM_SIZE;
    for (y = 0; y < size; y++)
        for (x = 0; x < size; x++, rgb += 3) {
            const int32_t here = luma(rgb);
            if (x + 1 < size) sum += difference(here, luma(rgb + 3));
            if (y + 1 < size) sum += difference(here, luma(rgb + 3 * size));
        }
    /* There are as many vertical as horizontal neighbours, so the mean of both means is the mean over all pairs. */
    *detail = (float)((double)sum / (2.0 * (double)size * (double)(size - 1) * 255000.0));
    return MIM_OK;
}

mim_status mim_gate(const mim_gate_limits *limits, size_t side, float contrast, float detail, float novelty,
                    mim_reason_code *reason) {
    if (!limits || !reason) return MIM_NULL;
    if (!isfinite(contrast) || !isfinite(detail) || !isfinite(novelty) || !isfinite(limits->min_contrast) ||
        !isfinite(limits->min_detail) || isnan(limits->max_novelty))
        return MIM_NUMBER;
    if (side < limits->min_side)
        *reason = MIM_TOO_SMALL;
    else if (contrast < limits->min_contrast)
        *reason = MIM_BLANK;
    else if (detail < limits->min_detail)
        *reason = MIM_BLURRED;
    else if (novelty > limits->max_novelty)
        *reason = MIM_NOT_SKIN;
    else
        *reason = MIM_NO_REASON;
    return MIM_OK;
}

/* The p-value if the weights of the similarities at most `similarity` are summed, or of those `above` or equal. */
static mim_status p_value(const mim_table *table, float most_weight, float similarity, int above, float *p) {
    double counted = 0, all = 0;
    size_t i;
    if (table->count > 0 && (!table->similarities || !table->weights)) return MIM_NULL;
    if ((table->count == 0) != (table->groups == 0)) return MIM_ARGUMENT;
    if (!isfinite(similarity)) return MIM_NUMBER;
    for (i = 0; i < table->count; i++) {
        const float known = table->similarities[i], weight = table->weights[i];
        if (!isfinite(known) || !(weight >= 0 && weight <= most_weight)) return MIM_NUMBER;
        all += (double)weight;
        if (above ? known >= similarity : known <= similarity) counted += (double)weight;
    }
    /* A truncated table would give p-values that are too small. */
    if (fabs(all - (double)table->groups) > 0.0001 * (double)table->groups) return MIM_ARGUMENT;
    *p = (float)((1 + counted) / ((double)table->groups + 1));
    if (*p > 1) *p = 1; /* the weights are rounded */
    return MIM_OK;
}

mim_status mim_p_class(const mim_table *calibration, float similarity, float *p) {
    if (!calibration || !p) return MIM_NULL;
    if (calibration->count == 0) return MIM_ARGUMENT;
    return p_value(calibration, 1, similarity, 0, p);
}

mim_status mim_p_other(const mim_table *reference, float similarity, float *p) {
    if (!reference || !p) return MIM_NULL;
    /* The weight of the only group of a condition may be larger than 1. */
    return p_value(reference, (float)reference->groups, similarity, 1, p);
}

/* Added to alpha and beta, since sums of the same weights in float and in another order differ by less. */
#define SLACK 0.00001

mim_status mim_verdict(float p_class, float p_other, mim_reason_code reason, double alpha, double beta,
                       mim_verdict_code *verdict) {
    if (!verdict) return MIM_NULL;
    if ((unsigned)reason > (unsigned)MIM_TOO_LARGE) return MIM_ARGUMENT;
    if (!(p_class >= 0 && p_class <= 1) || !(p_other >= 0 && p_other <= 1)) return MIM_NUMBER;
    if (!(alpha > 0 && alpha < 1) || !(beta > 0 && beta < 1)) return MIM_NUMBER;
    if (reason != MIM_NO_REASON) {
        *verdict = MIM_CANNOT_JUDGE;
    } else {
        const int no_class = p_class <= (float)(alpha + SLACK), no_other = p_other <= (float)(beta + SLACK);
        *verdict = no_class == no_other ? MIM_UNDECIDED : no_class ? MIM_NOT_MPOX_LIKE : MIM_MPOX_LIKE;
    }
    return MIM_OK;
}

const char *mim_verdict_name(mim_verdict_code verdict) {
    static const char *const names[] = {"mpox-like", "not-mpox-like", "undecided", "cannot-judge"};
    return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}

const char *mim_reason_name(mim_reason_code reason) {
    static const char *const names[] = {"", "blank", "blurred", "not skin", "too small", "unreadable", "too large"};
    return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

/* src/deep.c */

size_t mim_head_count(size_t statistics, size_t components) {
    const size_t linear = statistics + 1, class_distance = components * statistics + components + 2;
    const size_t novelty = statistics * statistics + statistics + 2;
    return linear + class_distance + novelty;
}

/* Added to each position's error, so that a perfect inpainting gives equal weights. */
#define MIN_WEIGHT 0.01f

mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes) {
    const size_t cells = size / MIM_CELL;
    float sum = 0;
    size_t row, column, y, i;
    if (!x || !q || !weights) return MIM_NULL;
    if (!mim_in(size, MIM_CELL, MIM_MAX_SIZE) || size % MIM_CELL) return MIM_SIZE;
    if (weights_bytes < cells * cells * sizeof *weights) return MIM_BUFFER;
    for (row = 0; row < cells; row++)
        for (column = 0; column < cells; column++) {
            /* Sum of |x - (q + 128)| in levels of 1 / 255: integers, so that it is exact. */
            uint32_t error = 0;
            for (y = 0; y < MIM_CELL; y++) {
                const size_t start = 3 * ((row * MIM_CELL + y) * size + column * MIM_CELL);
                for (i = start; i < start + 3 * MIM_CELL; i++) {
                    const int32_t difference = (int32_t)x[i] - ((int32_t)q[i] + 128);
                    error += (uint32_t)(difference < 0 ? -difference : difference);
                }
            }
            weights[row * cells + column] = (float)error / (255.0f * 3 * MIM_CELL * MIM_CELL) + MIN_WEIGHT;
            sum += weights[row * cells + column];
        }
    for (i = 0; i < cells * cells; i++) weights[i] /= sum;
    return MIM_OK;
}

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
            const float offset = (float)value[i * channels] - mean;
            square += weights[i] * offset * offset;
        }
        statistics[channel] = scale * (mean - (float)zero);
        statistics[channels + channel] = scale * sqrtf(square);
    }
    return MIM_OK;
}

/*
 * The norm of matrix x statistics + offset, standardized by its mean and standard deviation over the class. `values`
 * holds the matrix, the offset, the mean and the deviation in this order.
 */
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

mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *novelty) {
    size_t count, i;
    const float *class_distance;
    float linear, excess;
    if (!head || !head->values || !statistics || !similarity || !novelty) return MIM_NULL;
    count = head->statistics;
    if (!mim_in(count, 2, 2 * MIM_MAX_SIZE) || !mim_in(head->components, 1, count)) return MIM_SIZE;
    if (head->count != mim_head_count(count, head->components)) return MIM_ARGUMENT;
    linear = head->values[count];
    for (i = 0; i < count; i++) linear += head->values[i] * statistics[i];
    class_distance = head->values + count + 1;
    *novelty = distance(class_distance + head->components * (count + 1) + 2, count, count, statistics);
    excess = *novelty - head->novelty_start;
    if (excess < 0) excess = 0;
    if (excess > head->novelty_range) excess = head->novelty_range;
    *similarity = linear - head->distance_weight * distance(class_distance, head->components, count, statistics) -
                  head->novelty_weight * excess;
    return isfinite(*similarity) && isfinite(*novelty) ? MIM_OK : MIM_NUMBER;
}

/* src/masks.c */

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

/* src/pixels.c */

mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes) {
    size_t y, x;
    if (!rgba || !rgb) return MIM_NULL;
    if (!mim_photo_fits(width, height)) return MIM_SIZE;
    if (!mim_stride_fits(stride, 4 * width, height)) return MIM_STRIDE;
    if (rgb_bytes < 3 * width * height) return MIM_BUFFER;
    for (y = 0; y < height; y++) {
        const uint8_t *from = rgba + y * stride;
        for (x = 0; x < width; x++, from += 4, rgb += 3) {
            const unsigned alpha = from[3], white = 255 * (255 - alpha) + 127;
            /* rgb may be rgba: the writes never overtake the reads. */
            const unsigned r = from[0], g = from[1], b = from[2];
            rgb[0] = (uint8_t)((r * alpha + white) / 255);
            rgb[1] = (uint8_t)((g * alpha + white) / 255);
            rgb[2] = (uint8_t)((b * alpha + white) / 255);
        }
    }
    return MIM_OK;
}

/* (65536 luma + part + 32768) / 65536, rounded down and clamped. A negative sum is never shifted. */
static inline uint8_t clamped(int32_t luma, int32_t part) {
    const int32_t sum = 65536 * luma + part + 32768;
    if (sum < 0) return 0;
    return (uint8_t)(sum > 255 * 65536 ? 255 : sum >> 16);
}

mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes) {
    size_t y, x, uv_row;
    if (!image || !rgb || !image->y || !image->u || !image->v) return MIM_NULL;
    if (!mim_photo_fits(image->width, image->height)) return MIM_SIZE;
    if (!mim_in(image->uv_pixel_stride, 1, MIM_MAX_SIDE)) return MIM_STRIDE;
    uv_row = (image->width - 1) / 2 * image->uv_pixel_stride + 1; /* there is no padding after the last value */
    if (!mim_stride_fits(image->y_stride, image->width, image->height) ||
        !mim_stride_fits(image->uv_stride, uv_row, (image->height + 1) / 2))
        return MIM_STRIDE;
    if (rgb_bytes < 3 * image->width * image->height) return MIM_BUFFER;
    for (y = 0; y < image->height; y++) {
        const uint8_t *luma = image->y + y * image->y_stride;
        const uint8_t *u = image->u + y / 2 * image->uv_stride, *v = image->v + y / 2 * image->uv_stride;
        for (x = 0; x < image->width; x++, rgb += 3) {
            const int32_t cb = u[x / 2 * image->uv_pixel_stride] - 128, cr = v[x / 2 * image->uv_pixel_stride] - 128;
            rgb[0] = clamped(luma[x], 91881 * cr);
            rgb[1] = clamped(luma[x], -22554 * cb - 46802 * cr);
            rgb[2] = clamped(luma[x], 116130 * cb);
        }
    }
    return MIM_OK;
}

/* src/resample.c */

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

/* src/rows.c */

size_t mim_ssim_bytes(size_t width, size_t channels) {
    if (!mim_in(width, MIM_BORDER, MIM_MAX_SIZE) || !mim_in(channels, 1, 4)) return 0;
    return 2 * MIM_WINDOW * width * channels + 5 * sizeof(float) * (width + 2 * MIM_BORDER);
}

mim_status mim_rows_begin(mim_rows *rows, size_t least, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes) {
    if (!workspace) return MIM_NULL;
    if (!mim_in(width, least, MIM_MAX_SIZE) || !mim_in(height, least, MIM_MAX_SIZE) || !mim_in(channels, 1, 4))
        return MIM_SIZE;
    if (workspace_bytes < mim_ssim_bytes(width, channels) || !mim_aligned(workspace)) return MIM_BUFFER;
    rows->columns = workspace;
    rows->x = (uint8_t *)workspace + 5 * sizeof(float) * (width + 2 * MIM_BORDER);
    rows->q = (int8_t *)rows->x + MIM_WINDOW * width * channels;
    rows->width = width;
    rows->height = height;
    rows->channels = channels;
    rows->pushed = 0;
    return MIM_OK;
}

void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q) {
    const size_t width = rows->width, channels = rows->channels, older = (MIM_WINDOW - 1) * width;
    size_t channel, i;
    for (channel = 0; channel < channels; channel++) {
        /* Moving the rows takes a few per cent of the time, but keeps them in order, so that loops need no modulus. */
        uint8_t *to_x = rows->x + channel * MIM_WINDOW * width;
        int8_t *to_q = rows->q + channel * MIM_WINDOW * width;
        memmove(to_x, to_x + width, older);
        memmove(to_q, to_q + width, older);
        for (i = 0; i < width; i++) {
            to_x[older + i] = x[i * channels + channel];
            to_q[older + i] = q[i * channels + channel];
        }
    }
    rows->pushed++;
}

/* src/ssim.c */

/*
 * In levels of 1/255, with s = x + y and d = x - y:  4 mx my = ms^2 - md^2,  2 (mx^2 + my^2) = ms^2 + md^2,
 * 4 cov = var s - var d  and  2 (var x + var y) = var s + var d,  so two moments of s and two of d are enough.
 *
 * The difference of a mean square and a squared mean cancels, and float has only 24 bits. So both passes subtract the
 * middle value of the column or row first, and the variance of a window is the mean of the variances of its columns
 * plus the variance of their means.
 */

/* Taps of the window from the middle outwards. Over the whole window they sum to 1. */
static const float TAPS[MIM_BORDER + 1] = {0.26601172f, 0.21300554f, 0.10936069f,
                                            0.03600077f, 0.00759876f, 0.00102838f};

/* Means and variances of s and d over each column of 11 rows. */
static void columns(const uint8_t *MIM_RESTRICT x, const int8_t *MIM_RESTRICT q, size_t width,
                    float *MIM_RESTRICT mean_s, float *MIM_RESTRICT mean_d, float *MIM_RESTRICT var_s,
                    float *MIM_RESTRICT var_d) {
    size_t i, k;
    for (i = 0; i < width; i++) {
        const int mid_x = x[MIM_BORDER * width + i], mid_q = q[MIM_BORDER * width + i];
        const float level_x = (float)mid_x, level_y = (float)(mid_q + 128);
        float s = 0, d = 0, ss = 0, dd = 0;
        for (k = 1; k <= MIM_BORDER; k++) {
            const size_t above = (MIM_BORDER - k) * width + i, below = (MIM_BORDER + k) * width + i;
            const float xa = (float)(x[above] - mid_x), ya = (float)(q[above] - mid_q);
            const float xb = (float)(x[below] - mid_x), yb = (float)(q[below] - mid_q);
            const float sa = xa + ya, da = xa - ya, sb = xb + yb, db = xb - yb;
            s += TAPS[k] * (sa + sb);
            d += TAPS[k] * (da + db);
            ss += TAPS[k] * (sa * sa + sb * sb);
            dd += TAPS[k] * (da * da + db * db);
        }
        var_s[i] = ss - s * s;
        var_d[i] = dd - d * d;
        mean_s[i] = level_x + level_y + s;
        mean_d[i] = level_x - level_y + d;
    }
}

/* The SSIM of `count` windows, from the moments of the columns. */
static void windows(const float *MIM_RESTRICT mean_s, const float *MIM_RESTRICT mean_d,
                    const float *MIM_RESTRICT var_s, const float *MIM_RESTRICT var_d, size_t count,
                    float *MIM_RESTRICT similarity) {
    /* In squared levels; doubled, because numerators and denominators here are twice those of the definition. */
    const float c1 = 2 * 0.0001f * 65025, c2 = 2 * 0.0009f * 65025;
    size_t i, k;
    for (i = 0; i < count; i++) {
        const float mid_s = mean_s[i + MIM_BORDER], mid_d = mean_d[i + MIM_BORDER];
        float s = 0, d = 0, vs = TAPS[0] * var_s[i + MIM_BORDER], vd = TAPS[0] * var_d[i + MIM_BORDER];
        for (k = 1; k <= MIM_BORDER; k++) {
            const size_t left = i + MIM_BORDER - k, right = i + MIM_BORDER + k;
            const float sl = mean_s[left] - mid_s, sr = mean_s[right] - mid_s;
            const float dl = mean_d[left] - mid_d, dr = mean_d[right] - mid_d;
            s += TAPS[k] * (sl + sr);
            d += TAPS[k] * (dl + dr);
            vs += TAPS[k] * (var_s[left] + var_s[right] + (sl * sl + sr * sr));
            vd += TAPS[k] * (var_d[left] + var_d[right] + (dl * dl + dr * dr));
        }
        vs -= s * s;
        vd -= d * d;
        s = (s + mid_s) * (s + mid_s);
        d = (d + mid_d) * (d + mid_d);
        similarity[i] = ((s - d + c1) * (vs - vd + c2)) / ((s + d + c1) * (vs + vd + c2));
    }
}

/*
 * SSIM of the windows centred on the middle row. `pad` columns (0 or MIM_BORDER) are reflected at each side. Returns
 * width + 2 pad - 10 values, which are valid until the next call.
 */
static const float *rows_similarity(const mim_rows *rows, size_t channel, size_t pad) {
    const size_t width = rows->width, padded = width + 2 * pad, offset = channel * MIM_WINDOW * width;
    float *mean_s = (float *)rows->columns, *mean_d = mean_s + padded, *var_s = mean_d + padded;
    float *var_d = var_s + padded, *similarity = var_d + padded;
    size_t array, i;
    columns(rows->x + offset, rows->q + offset, width, mean_s + pad, mean_d + pad, var_s + pad, var_d + pad);
    /* A reflected column has the same moments as the column. */
    for (array = 0; array < 4; array++) {
        float *inside = mean_s + array * padded + pad;
        for (i = 0; i < pad; i++) {
            inside[-1 - (ptrdiff_t)i] = inside[i];
            inside[width + i] = inside[width - 1 - i];
        }
    }
    windows(mean_s, mean_d, var_s, var_d, padded - 2 * MIM_BORDER, similarity);
    return similarity;
}

mim_status mim_ssim_begin(mim_ssim *state, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes) {
    if (!state) return MIM_NULL;
    memset(state, 0, sizeof *state); /* so that push fails if begin has failed */
    return mim_rows_begin(&state->rows, MIM_WINDOW, width, height, channels, workspace, workspace_bytes);
}

mim_status mim_ssim_push(mim_ssim *state, const uint8_t *x, const int8_t *q) {
    size_t channel, i;
    if (!state || !x || !q) return MIM_NULL;
    if (state->rows.pushed >= state->rows.height) return MIM_ORDER;
    mim_rows_push(&state->rows, x, q);
    if (state->rows.pushed < MIM_WINDOW) return MIM_OK;
    for (channel = 0; channel < state->rows.channels; channel++) {
        const float *similarity = rows_similarity(&state->rows, channel, 0);
        float sum = 0; /* per row: adding a double per window is slow on hardware that has only floats */
        for (i = 0; i < state->rows.width - 2 * MIM_BORDER; i++) sum += similarity[i];
        state->sum += (double)sum;
    }
    return MIM_OK;
}

mim_status mim_ssim_end(const mim_ssim *state, float *ssim) {
    if (!state || !ssim) return MIM_NULL;
    if (state->rows.height == 0 || state->rows.pushed != state->rows.height) return MIM_ORDER;
    {
        const size_t across = state->rows.width - 2 * MIM_BORDER, down = state->rows.height - 2 * MIM_BORDER;
        *ssim = (float)(state->sum / (double)(across * down * state->rows.channels));
    }
    return MIM_OK;
}

/* The source row of row `row` of the padded image, whose first MIM_BORDER rows are reflected. */
static size_t reflected(size_t row, size_t height) {
    if (row < MIM_BORDER) return MIM_BORDER - 1 - row;
    row -= MIM_BORDER;
    return row < height ? row : 2 * height - 1 - row;
}

mim_status mim_error_map(const uint8_t *x, const int8_t *q, size_t width, size_t height, size_t channels, float *map,
                         size_t map_bytes, void *workspace, size_t workspace_bytes) {
    mim_rows rows;
    mim_status status;
    size_t row, channel, i;
    if (!x || !q || !map) return MIM_NULL;
    status = mim_rows_begin(&rows, MIM_BORDER, width, height, channels, workspace, workspace_bytes);
    if (status != MIM_OK) return status;
    if (map_bytes < width * height * sizeof *map) return MIM_BUFFER;
    for (row = 0; row < height + 2 * MIM_BORDER; row++) {
        const size_t from = reflected(row, height) * width * channels;
        mim_rows_push(&rows, x + from, q + from);
        if (rows.pushed < MIM_WINDOW) continue;
        for (i = 0; i < width; i++) map[i] = 0;
        for (channel = 0; channel < channels; channel++) {
            const float *similarity = rows_similarity(&rows, channel, MIM_BORDER);
            for (i = 0; i < width; i++) map[i] += 1 - similarity[i];
        }
        for (i = 0; i < width; i++) map[i] /= (float)channels;
        map += width;
    }
    return MIM_OK;
}

/* src/ssim_fixed.c */

/*
 * Bounds. 128 is subtracted from x, so that x and q are -128 to 127; the taps sum to 2^16:
 *
 *     sums in a column   x, q: 2^23    xx + qq: 2^31, stored / 16 as 2^27    xq: 2^30, stored / 16 as 2^26
 *
 * So 32 bits hold the sums of a column, and 64 bits the sums of a window. Sums of x and q are exact: a flat image has
 * variance 0. With taps of 12 bits the error was 0.003 on grids.
 */
static const int32_t FIXED_TAPS[MIM_BORDER + 1] = {17434, 13960, 7167, 2359, 498, 67};

/* Weighted sums of x, q, xx + qq and xq over each column of 11 rows. */
static void sum_columns(const uint8_t *x, const int8_t *q, size_t width, int32_t *sum_x, int32_t *sum_q,
                        int32_t *sum_squares, int32_t *sum_products) {
    size_t i, k;
    for (i = 0; i < width; i++) {
        const int32_t mid_x = x[MIM_BORDER * width + i] - 128, mid_q = q[MIM_BORDER * width + i];
        int32_t sx = FIXED_TAPS[0] * mid_x, sq = FIXED_TAPS[0] * mid_q;
        int32_t xx = sx * mid_x, qq = sq * mid_q, xq = sx * mid_q;
        for (k = 1; k <= MIM_BORDER; k++) {
            const size_t above = (MIM_BORDER - k) * width + i, below = (MIM_BORDER + k) * width + i;
            const int32_t xa = x[above] - 128, xb = x[below] - 128, qa = q[above], qb = q[below];
            sx += FIXED_TAPS[k] * (xa + xb);
            sq += FIXED_TAPS[k] * (qa + qb);
            xx += FIXED_TAPS[k] * (xa * xa + xb * xb);
            qq += FIXED_TAPS[k] * (qa * qa + qb * qb);
            xq += FIXED_TAPS[k] * (xa * qa + xb * qb);
        }
        sum_x[i] = sx;
        sum_q[i] = sq;
        sum_squares[i] = xx / 16 + qq / 16;
        sum_products[i] = xq / 16;
    }
}

/* The sum over a window, from the sums of its columns. */
static int64_t window_sum(const int32_t *from) {
    int64_t sum = (int64_t)FIXED_TAPS[0] * from[MIM_BORDER];
    size_t k;
    for (k = 1; k <= MIM_BORDER; k++) sum += (int64_t)FIXED_TAPS[k] * (from[MIM_BORDER - k] + from[MIM_BORDER + k]);
    return sum;
}

/* part / whole in units of 2^-15; part is at most whole. Shifting both to 16 bits avoids a 64-bit division. */
static int32_t ratio(uint64_t part, uint64_t whole) {
    while (whole > 0xffff) {
        part >>= 1;
        whole >>= 1;
    }
    return (int32_t)((((uint32_t)part << 15) + (uint32_t)whole / 2) / (uint32_t)whole);
}

/* SSIM in units of 2^-15, from the sums over a window. */
static int32_t window_similarity(int64_t sum_x, int64_t sum_q, int64_t sum_squares, int64_t sum_products) {
    /* Drops as many fractional bits as needed to fit 32 bits: means keep 24, the others 16. */
    const int32_t x = (int32_t)(sum_x / 256), q = (int32_t)(sum_q / 256);
    const int32_t squares = (int32_t)(sum_squares / 4096), products = (int32_t)(sum_products / 4096);
    const int64_t half_c1 = 54546924; /* C1 255^2 / 2, 24 fractional bits */
    const int64_t c2 = 3835331;       /* C2 255^2, 16 fractional bits */
    /* Means in levels with 12 fractional bits; the 128 is added again. */
    const int64_t middle = (int64_t)128 << 24, mean_x = (x + middle) / 4096, mean_q = (q + middle) / 4096;
    const int64_t apart = mean_x - mean_q, light = mean_x * mean_q + half_c1;
    const int32_t luminance = ratio((uint64_t)light, (uint64_t)(light + apart * apart / 2));
    /* Each square of a mean reaches 2^62, their sum 2^63. */
    const uint64_t means = (uint64_t)((int64_t)x * x) + (uint64_t)((int64_t)q * q);
    const int64_t variances = squares - (int64_t)(means >> 32);
    const int64_t covariance = products - (int64_t)x * q / ((int64_t)1 << 32);
    /* Rounding may give a slightly negative variance, or a covariance larger than the variances allow. */
    const int64_t spread = variances > 0 ? variances : 0, common = 2 * covariance;
    const int64_t part = c2 + (common > spread ? spread : common < -spread ? -spread : common);
    const uint64_t whole = (uint64_t)(c2 + spread);
    const int32_t structure = part < 0 ? -ratio((uint64_t)-part, whole) : ratio((uint64_t)part, whole);
    return luminance * structure / (1 << 15);
}

mim_status mim_ssim_fixed_begin(mim_ssim_fixed *state, size_t width, size_t height, size_t channels, void *workspace,
                                size_t workspace_bytes) {
    if (!state) return MIM_NULL;
    memset(state, 0, sizeof *state); /* so that push fails if begin has failed */
    return mim_rows_begin(&state->rows, MIM_WINDOW, width, height, channels, workspace, workspace_bytes);
}

mim_status mim_ssim_fixed_push(mim_ssim_fixed *state, const uint8_t *x, const int8_t *q) {
    size_t channel, i;
    if (!state || !x || !q) return MIM_NULL;
    if (state->rows.pushed >= state->rows.height) return MIM_ORDER;
    mim_rows_push(&state->rows, x, q);
    if (state->rows.pushed < MIM_WINDOW) return MIM_OK;
    for (channel = 0; channel < state->rows.channels; channel++) {
        const size_t width = state->rows.width, offset = channel * MIM_WINDOW * width;
        int32_t *sum_x = (int32_t *)state->rows.columns, *sum_q = sum_x + width;
        int32_t *sum_squares = sum_q + width, *sum_products = sum_squares + width, sum = 0;
        sum_columns(state->rows.x + offset, state->rows.q + offset, width, sum_x, sum_q, sum_squares, sum_products);
        for (i = 0; i < width - 2 * MIM_BORDER; i++)
            sum += window_similarity(window_sum(sum_x + i), window_sum(sum_q + i), window_sum(sum_squares + i),
                                     window_sum(sum_products + i));
        state->sum += sum;
    }
    return MIM_OK;
}

mim_status mim_ssim_fixed_end(const mim_ssim_fixed *state, int32_t *ssim) {
    if (!state || !ssim) return MIM_NULL;
    if (state->rows.height == 0 || state->rows.pushed != state->rows.height) return MIM_ORDER;
    {
        const size_t across = state->rows.width - 2 * MIM_BORDER, down = state->rows.height - 2 * MIM_BORDER;
        /* The sum is in units of 2^-15. */
        *ssim = (int32_t)(2 * state->sum / (int64_t)(across * down * state->rows.channels));
    }
    return MIM_OK;
}

/* src/status.c */

const char *mim_status_text(mim_status status) {
    switch (status) {
    case MIM_OK:
        return "the call succeeded";
    case MIM_NULL:
        return "a pointer is null; pass memory that the caller owns";
    case MIM_SIZE:
        return "a width, height, size or number of channels is out of range; the header states the ranges";
    case MIM_STRIDE:
        return "a stride is shorter than a row or too long; pass the bytes from one row to the next";
    case MIM_BUFFER:
        return "a target or workspace is too small or not aligned to 8 bytes; the header states the size";
    case MIM_ARGUMENT:
        return "an orientation, mask, reason or table does not exist; take them from the file and manifest.json";
    case MIM_NUMBER:
        return "a number is not finite or out of range; check the model's outputs and manifest.json";
    case MIM_ORDER:
        return "begin, push and end are out of order; call begin, then push for each row, then end";
    }
    return "unknown status; compile library and application with the same headers";
}
