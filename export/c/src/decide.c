#include "internal.h"

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

mim_status mim_p_value(const mim_calibration *table, float similarity, float *p) {
    double below = 0, all = 0;
    size_t i;
    if (!table || !table->similarities || !table->weights || !p) return MIM_NULL;
    if (table->count == 0 || table->groups == 0) return MIM_ARGUMENT;
    if (!isfinite(similarity)) return MIM_NUMBER;
    for (i = 0; i < table->count; i++) {
        const float weight = table->weights[i];
        if (!isfinite(table->similarities[i]) || !(weight >= 0 && weight <= 1)) return MIM_NUMBER;
        all += (double)weight;
        if (table->similarities[i] <= similarity) below += (double)weight;
    }
    /* The weights of each group sum to 1. A truncated table would give p-values that are too small. */
    if (fabs(all / (double)table->groups - 1) > 0.0001) return MIM_ARGUMENT;
    *p = (float)((1 + below) / ((double)table->groups + 1));
    if (*p > 1) *p = 1; /* the weights are rounded */
    return MIM_OK;
}

mim_status mim_verdict(float p, mim_reason_code reason, double alpha, mim_verdict_code *verdict) {
    if (!verdict) return MIM_NULL;
    if ((unsigned)reason > (unsigned)MIM_UNREADABLE) return MIM_ARGUMENT;
    if (!(p >= 0 && p <= 1) || !(alpha > 0 && alpha < 1)) return MIM_NUMBER;
    /* Sums of the same float weights in another order differ by about 0.0000001, hence the 0.000001. */
    if (reason != MIM_NO_REASON)
        *verdict = MIM_CANNOT_JUDGE;
    else
        *verdict = p <= (float)(alpha + 0.000001) ? MIM_NOT_MPOX_LIKE : MIM_MPOX_LIKE;
    return MIM_OK;
}

const char *mim_verdict_name(mim_verdict_code verdict) {
    static const char *const names[] = {"mpox-like", "not-mpox-like", "cannot-judge"};
    return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}

const char *mim_reason_name(mim_reason_code reason) {
    static const char *const names[] = {"", "blank", "blurred", "not skin", "too small", "unreadable"};
    return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}
