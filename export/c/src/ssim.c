#include "internal.h"

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
