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
