#include "internal.h"

/*
 * The source pixels first to last - 1 overlap target pixel j along one axis. Inner pixels have the weight `size`; the
 * first (`head`) and last (`tail`) have the length of their overlap. A single pixel has the whole weight, `side`, in
 * `head`. The weights sum to `side`.
 */
typedef struct span {
    size_t first, last;
    uint32_t head, tail;
} span;

static span span_of(size_t j, size_t side, size_t size) {
    const size_t begin = j * side, end = begin + side;
    span s;
    s.first = begin / size;
    s.last = (end + size - 1) / size;
    if (s.last - s.first == 1) {
        s.head = (uint32_t)side;
        s.tail = 0;
    } else {
        s.head = (uint32_t)((s.first + 1) * size - begin);
        s.tail = (uint32_t)(end - (s.last - 1) * size);
    }
    return s;
}

/* Weighted sums along one row of the square; each is at most 255 side. */
static void sum_row(const uint8_t *row, size_t side, size_t size, uint32_t *sums) {
    size_t k, i;
    for (k = 0; k < size; k++, sums += 3) {
        const span s = span_of(k, side, size);
        const uint8_t *head = row + 3 * s.first, *tail = row + 3 * (s.last - 1);
        uint32_t r = 0, g = 0, b = 0;
        for (i = s.first + 1; i + 1 < s.last; i++) {
            r += row[3 * i];
            g += row[3 * i + 1];
            b += row[3 * i + 2];
        }
        sums[0] = r * (uint32_t)size + s.head * head[0] + s.tail * tail[0];
        sums[1] = g * (uint32_t)size + s.head * head[1] + s.tail * tail[1];
        sums[2] = b * (uint32_t)size + s.head * head[2] + s.tail * tail[2];
    }
}

/* One 64-bit sum and one 32-bit sum for each channel of a row. */
size_t mim_resample_bytes(size_t size) { return mim_in(size, 1, MIM_MAX_SIZE) ? 36 * size : 0; }

mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, uint8_t *target, size_t size,
                        size_t target_bytes, void *workspace, size_t workspace_bytes) {
    const size_t side = width < height ? width : height;
    size_t j, k, i, summed;
    if (!source || !target || !workspace) return MIM_NULL;
    if (!mim_in(width, 1, MIM_MAX_SIDE) || !mim_in(height, 1, MIM_MAX_SIDE) || !mim_in(size, 1, MIM_MAX_SIZE))
        return MIM_SIZE;
    if (!mim_stride_fits(stride, 3 * width, height)) return MIM_STRIDE;
    if (target_bytes < 3 * size * size || workspace_bytes < mim_resample_bytes(size) || !mim_aligned(workspace))
        return MIM_BUFFER;
    {
        uint64_t *sums = (uint64_t *)workspace;
        uint32_t *row = (uint32_t *)(sums + 3 * size);
        const uint64_t area = (uint64_t)side * side;
        const uint8_t *square = source + (height - side) / 2 * stride + (width - side) / 2 * 3;
        summed = side; /* no row has been summed yet */
        for (j = 0; j < size; j++) {
            const span s = span_of(j, side, size);
            memset(sums, 0, 3 * size * sizeof *sums);
            for (i = s.first; i < s.last; i++) {
                const uint32_t weight = i == s.first ? s.head : i + 1 == s.last ? s.tail : (uint32_t)size;
                if (i != summed) { /* two target rows may overlap the same source row */
                    sum_row(square + i * stride, side, size, row);
                    summed = i;
                }
                for (k = 0; k < 3 * size; k++) sums[k] += (uint64_t)weight * row[k];
            }
            for (k = 0; k < 3 * size; k++) *target++ = (uint8_t)((2 * sums[k] + area) / (2 * area));
        }
    }
    return MIM_OK;
}
