/*
 * libFuzzer: the first bytes choose a function and its arguments, valid or not; the rest are pixels. Buffers have
 * exactly the size that the arguments state, so that AddressSanitizer detects every access outside. If that is too much
 * memory, the target's size is given as 0 bytes, and the call has to fail.
 */
#include <stdlib.h>

#include "mim.h"

#define MOST ((size_t)1 << 16)

typedef struct input {
    const uint8_t *bytes;
    size_t left, at;
} input;

static uint8_t next(input *from) {
    if (from->at == from->left) from->at = 0;
    return from->bytes[from->at++];
}

/* Usually small, sometimes any number. */
static size_t number(input *from) {
    const uint8_t first = next(from);
    size_t value = first, i;
    if (first < 250) return first % 48;
    for (i = 0; i < sizeof value; i++) value = value << 8 | next(from);
    return value >> next(from) % 64;
}

static float real(input *from) {
    union {
        uint8_t bytes[4];
        float value;
    } bits;
    size_t i;
    for (i = 0; i < 4; i++) bits.bytes[i] = next(from);
    return bits.value;
}

static size_t bytes_of(size_t stride, size_t row, size_t height) {
    if (stride > MOST || row > MOST || height > 64 || height == 0) return MOST + 1;
    return (height - 1) * stride + row;
}

static void *filled(input *from, size_t count) {
    uint8_t *memory = (uint8_t *)malloc(count ? count : 1);
    size_t i;
    for (i = 0; i < count; i++) memory[i] = next(from);
    return memory;
}

static void require(int holds) {
    if (!holds) abort();
}

static void fuzz_pixels(input *from, int which) {
    const size_t width = number(from), height = number(from);
    const size_t row = (which ? 3 : 4) * width, stride = row + number(from) - (next(from) == 0);
    const size_t size = number(from), needed = bytes_of(stride, row, height), at_most = 64 * 64 * 4;
    const int fits = needed <= MOST;
    const size_t target = fits ? (which ? 3 * size * size : 3 * width * height) : 0;
    const size_t workspace = mim_resample_bytes(size) <= MOST ? mim_resample_bytes(size) : 0;
    uint8_t *source = (uint8_t *)filled(from, fits ? needed : 0);
    uint8_t *to = (uint8_t *)filled(from, target <= at_most ? target : 0), *work = (uint8_t *)filled(from, workspace);
    const size_t capacity = target <= at_most ? target : 0;
    const int orientation = (int)next(from) % 10;
    mim_resampler state;
    mim_status status;
    if (which == 0) {
        status = mim_over_white(source, width, height, stride, to, capacity);
    } else if (which == 1) {
        status = mim_resample(source, width, height, stride, orientation, to, size, capacity, work, workspace);
    } else {
        size_t y = 0, count;
        status = mim_resample_begin(&state, width, height, orientation, to, size, capacity, work, workspace);
        for (; y < height && fits; y += count) {
            count = next(from) % 4;
            if (count == 0) count = 1;
            if (mim_resample_push(&state, source + y * stride, count, stride) == MIM_OK) continue;
            if (count > height - y || status != MIM_OK || stride < row) break;
            abort();
        }
        if (mim_resample_end(&state) != MIM_OK) status = MIM_ORDER;
    }
    require(capacity > 0 || status != MIM_OK);
    free(source);
    free(to);
    free(work);
}

static void fuzz_yuv(input *from) {
    mim_yuv image = {NULL, NULL, NULL, number(from), number(from), number(from), number(from), number(from)};
    const size_t luma = bytes_of(image.y_stride, image.width, image.height);
    const size_t across = (image.width - 1) / 2;
    const size_t last = across < 64 && image.uv_pixel_stride < 64 ? across * image.uv_pixel_stride + 1 : MOST;
    const size_t chroma = bytes_of(image.uv_stride, last, (image.height + 1) / 2);
    const int fits = luma <= MOST && chroma <= MOST && image.width < 64;
    const size_t capacity = fits ? 3 * image.width * image.height : 0;
    uint8_t *y = (uint8_t *)filled(from, fits ? luma : 0), *u = (uint8_t *)filled(from, fits ? chroma : 0);
    uint8_t *v = (uint8_t *)filled(from, fits ? chroma : 0), *rgb = (uint8_t *)filled(from, capacity);
    image.y = y;
    image.u = u;
    image.v = v;
    require(mim_yuv_to_rgb(&image, rgb, capacity) != MIM_OK || capacity > 0);
    free(y);
    free(u);
    free(v);
    free(rgb);
}

static void fuzz_masks(input *from) {
    const mim_mask_set set = {number(from), number(from), number(from), number(from)};
    const size_t mask = number(from), side = set.size < 64 ? set.size : 0;
    uint8_t *rgb = (uint8_t *)filled(from, 3 * side * side);
    int8_t *model = (int8_t *)filled(from, 4 * side * side), *inpainted = (int8_t *)filled(from, 3 * side * side);
    uint8_t label = 0, *work = (uint8_t *)filled(from, 6 * side);
    if (mim_mask_label(&set, number(from), number(from), &label) == MIM_OK) require(label < set.count);
    require(mim_filled(&set, rgb, mask, model, 4 * side * side, work, 6 * side) != MIM_OK || side > 0);
    require(mim_assemble(&set, model, mask, inpainted, 3 * side * side) != MIM_OK || side > 0);
    free(rgb);
    free(model);
    free(inpainted);
    free(work);
}

static void fuzz_ssim(input *from) {
    const size_t width = number(from), height = number(from), channels = number(from) % 6;
    const size_t row = width < 64 ? width * channels : 0, rows = height < 64 ? height : 0;
    const size_t needed = mim_ssim_bytes(width, channels), bytes = needed <= MOST ? needed : 0;
    uint8_t *x = (uint8_t *)filled(from, row * rows), *work = (uint8_t *)filled(from, bytes);
    int8_t *q = (int8_t *)filled(from, row * rows);
    float *map = (float *)filled(from, sizeof(float) * rows * (row ? width : 0)), ssim = 2;
    mim_ssim state;
    mim_ssim_fixed fixed;
    int32_t units = 2 * 65536;
    size_t y;
    mim_ssim_begin(&state, width, height, channels, work, row && rows ? bytes : 0);
    mim_ssim_fixed_begin(&fixed, width, height, channels, work, row && rows ? bytes : 0);
    for (y = 0; y < rows; y++) mim_ssim_push(&state, x + y * row, q + y * row);
    if (mim_ssim_end(&state, &ssim) == MIM_OK) require(ssim >= -1.00001f && ssim <= 1.00001f);
    for (y = 0; y < rows; y++) mim_ssim_fixed_push(&fixed, x + y * row, q + y * row);
    if (mim_ssim_fixed_end(&fixed, &units) == MIM_OK) {
        require(units >= -65536 && units <= 65536);
        require(ssim * 65536 - (float)units < 66 && (float)units - ssim * 65536 < 66); /* 0.001 */
    }
    mim_error_map(x, q, width, height, channels, map, sizeof(float) * rows * (row ? width : 0), work, bytes);
    free(x);
    free(q);
    free(map);
    free(work);
}

static void fuzz_decision(input *from) {
    const size_t count = number(from) % 64, size = number(from) % 20;
    const mim_gate_limits limits = {real(from), real(from), number(from), real(from)};
    float *similarities = (float *)filled(from, sizeof(float) * count);
    float *weights = (float *)filled(from, sizeof(float) * count);
    uint8_t *rgb = (uint8_t *)filled(from, 3 * size * size);
    const mim_table table = {count ? similarities : NULL, count ? weights : NULL, count, number(from)};
    const double alpha = (double)real(from), beta = (double)real(from);
    mim_reason_code reason = (mim_reason_code)next(from);
    mim_verdict_code verdict = (mim_verdict_code)7;
    float contrast = real(from), detail = real(from), p_class = real(from), p_other = real(from), similarity;
    size_t i;
    if (next(from) & 1)
        for (i = 0; i < count; i++) weights[i] = 1;
    mim_contrast(rgb, size, &contrast);
    mim_detail(rgb, size, &detail);
    mim_gate(&limits, number(from), contrast, detail, real(from), &reason);
    similarity = real(from);
    if (mim_p_class(&table, similarity, &p_class) == MIM_OK) require(p_class > 0 && p_class <= 1);
    if (mim_p_other(&table, similarity, &p_other) == MIM_OK) require(p_other > 0 && p_other <= 1);
    if (mim_verdict(p_class, p_other, reason, alpha, beta, &verdict) == MIM_OK) require(verdict <= MIM_CANNOT_JUDGE);
    (void)mim_verdict_name(verdict);
    (void)mim_reason_name(reason);
    free(similarities);
    free(weights);
    free(rgb);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    input from = {bytes, count, 0};
    int which;
    if (count == 0) return 0;
    which = next(&from) % 8;
    if (which < 3)
        fuzz_pixels(&from, which);
    else if (which == 3)
        fuzz_yuv(&from);
    else if (which == 4)
        fuzz_masks(&from);
    else if (which == 5)
        fuzz_decision(&from);
    else
        fuzz_ssim(&from);
    return 0;
}
