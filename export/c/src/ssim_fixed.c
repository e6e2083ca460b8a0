#include "internal.h"

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
