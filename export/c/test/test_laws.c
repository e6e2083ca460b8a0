/* Properties that hold for all images, the examples of the headers, and bad arguments. Buffers have exact sizes. */
#include "check.h"

static const mim_mask_set SETS[] = {{96, 8, 4, 2}, {12, 3, 2, 1}, {10, 1, 5, 2}, {7, 7, 3, 1}};
static uint64_t workspace[1024];

static uint32_t noise_state = 1;

static uint8_t noise(void) {
    noise_state = noise_state * 1664525u + 1013904223u;
    return (uint8_t)(noise_state >> 24);
}

static void test_masks_partition_the_image(void) {
    size_t set, mask, y, x;
    for (set = 0; set < sizeof SETS / sizeof *SETS; set++)
        for (y = 0; y < SETS[set].size; y++)
            for (x = 0; x < SETS[set].size; x++) {
                uint8_t label = 255, hidden = 0;
                CHECK(mim_mask_label(&SETS[set], y, x, &label) == MIM_OK);
                for (mask = 0; mask < SETS[set].count; mask++) hidden = (uint8_t)(hidden + (label == mask));
                CHECK(hidden == 1);
            }
}

/* The pixel (y, x) of the upright image, as the EXIF standard names the corners: which row and column is stored first. */
static const uint8_t *upright(const uint8_t *stored, size_t width, size_t height, int orientation, size_t y, size_t x) {
    size_t row = orientation >= 5 ? x : y, column = orientation >= 5 ? y : x;
    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) column = width - 1 - column;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) row = height - 1 - row;
    return stored + 3 * (row * width + column);
}

/* Also with sides whose difference is odd, where the centre square of a turned image begins at another pixel. */
static void test_resampling_turns_and_takes_rows_in_any_portions(void) {
    uint8_t image[9 * 9 * 3], turned[9 * 9 * 3], whole[7 * 7 * 3], streamed[7 * 7 * 3];
    size_t width, height, size, i, y, x;
    int orientation;
    for (i = 0; i < sizeof image; i++) image[i] = noise();
    for (width = 1; width <= 9; width++)
        for (height = 1; height <= 9; height++)
            for (orientation = 1; orientation <= 8; orientation++) {
                const size_t across = orientation >= 5 ? height : width, down = width + height - across;
                mim_resampler state;
                size = (width + 3 * height + (size_t)orientation) % 7 + 1;
                for (y = 0; y < down; y++)
                    for (x = 0; x < across; x++)
                        memcpy(turned + 3 * (y * across + x), upright(image, width, height, orientation, y, x), 3);
                CHECK(mim_resample(turned, across, down, 3 * across, 1, whole, size, 3 * size * size, workspace,
                                   mim_resample_bytes(size)) == MIM_OK);
                memset(streamed, 0, sizeof streamed);
                CHECK(mim_resample_begin(&state, width, height, orientation, streamed, size, 3 * size * size, workspace,
                                         mim_resample_bytes(size)) == MIM_OK);
                for (y = 0; y < height; y += i) {
                    i = noise() % (height - y + 1); /* 0 rows are allowed */
                    CHECK(mim_resample_end(&state) == MIM_ORDER);
                    CHECK(mim_resample_push(&state, image + 3 * width * y, i, 3 * width) == MIM_OK);
                }
                CHECK(mim_resample_end(&state) == MIM_OK);
                CHECK(mim_resample_push(&state, image, 1, 3 * width) == MIM_ORDER);
                CHECK(memcmp(streamed, whole, 3 * size * size) == 0);
            }
}

/* A white photograph of nearly 250 million pixels, in one row that is pushed again and again: sums do not overflow. */
static void test_the_largest_photograph_is_white(void) {
    static uint8_t row[3 * 15811], target[3];
    mim_resampler state;
    size_t y, i;
    memset(row, 255, sizeof row);
    CHECK(mim_resample_begin(&state, 15811, 15811, 1, target, 1, 3, workspace, 36) == MIM_OK);
    for (y = 0; y < 15811; y++)
        if (mim_resample_push(&state, row, 1, sizeof row) != MIM_OK) break;
    CHECK(mim_resample_end(&state) == MIM_OK);
    for (i = 0; i < 3; i++) CHECK(target[i] == 255);
}

static void test_examples(void) {
    const uint8_t four[12] = {0, 0, 0, 10, 10, 10, 20, 20, 20, 31, 31, 31}, rgba[4] = {200, 0, 100, 128};
    const uint8_t y = 81, u = 90, v = 240;
    const mim_yuv yuv = {&y, &u, &v, 1, 1, 1, 1, 1};
    const float similarities[] = {0.5f, 0.7f, 0.9f}, weights[] = {1, 0.5f, 0.5f};
    const float others[] = {0.2f, 0.4f, 0.6f}, other_weights[] = {1.5f, 0.75f, 0.75f};
    const mim_tables tables = {{similarities, weights, 3, 2}, {others, other_weights, 3, 3}, 0.05, 0.2};
    const mim_table none = {NULL, NULL, 0, 0};
    mim_verdict_code verdict = MIM_CANNOT_JUDGE;
    uint8_t rgb[3], turned[12];
    float p = 0;
    CHECK(mim_resample(four, 2, 2, 6, 1, rgb, 1, sizeof rgb, workspace, mim_resample_bytes(1)) == MIM_OK);
    CHECK(rgb[0] == 15 && rgb[1] == 15 && rgb[2] == 15);
    CHECK(mim_resample(four, 2, 2, 6, 6, turned, 2, sizeof turned, workspace, mim_resample_bytes(2)) == MIM_OK);
    CHECK(turned[0] == 20 && turned[3] == 0 && turned[6] == 31 && turned[9] == 10);
    CHECK(mim_resample(four, 2, 2, 6, 2, turned, 2, sizeof turned, workspace, mim_resample_bytes(2)) == MIM_OK);
    CHECK(turned[0] == 10 && turned[3] == 0 && turned[6] == 31 && turned[9] == 20);
    CHECK(mim_over_white(rgba, 1, 1, 4, rgb, sizeof rgb) == MIM_OK);
    CHECK(rgb[0] == 227 && rgb[1] == 127 && rgb[2] == 177);
    CHECK(mim_yuv_to_rgb(&yuv, rgb, sizeof rgb) == MIM_OK);
    CHECK(rgb[0] == 238 && rgb[1] == 14 && rgb[2] == 14);
    CHECK(mim_p_class(&tables.calibration, 0.8f, &p) == MIM_OK);
    CHECK_NEAR(p, 2.5 / 3, 0.0000001);
    CHECK(mim_p_other(&tables.reference, 0.3f, &p) == MIM_OK);
    CHECK(p == 0.625f);
    CHECK(mim_p_other(&none, 0.3f, &p) == MIM_OK);
    CHECK(p == 1);
    CHECK(mim_verdict(0.4f, 0.1f, MIM_NO_REASON, tables.alpha, tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == MIM_MPOX_LIKE);
    CHECK(mim_verdict(0.03f, 0.9f, MIM_NO_REASON, tables.alpha, tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == MIM_NOT_MPOX_LIKE);
    CHECK(mim_verdict(0.4f, 0.5f, MIM_NO_REASON, tables.alpha, tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == MIM_UNDECIDED);
    CHECK(mim_verdict(0.03f, 0.1f, MIM_NO_REASON, tables.alpha, tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == MIM_UNDECIDED);
    CHECK(mim_verdict(0.03f, 0.9f, MIM_BLANK, tables.alpha, tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == MIM_CANNOT_JUDGE);
}

/* Checks both SSIM functions on two images of one colour each, x / 255 and (q + 128) / 255. */
static void check_flat(uint8_t x_level, int8_t q_level, double expected) {
    uint8_t x[11 * 2];
    int8_t q[11 * 2];
    uint64_t exact[(22 * 11 * 2 + 20 * 21 + 7) / 8];
    mim_ssim state;
    mim_ssim_fixed fixed;
    float ssim = -2;
    int32_t units = -2 * 65536;
    size_t row;
    memset(x, x_level, sizeof x);
    memset(q, q_level, sizeof q);
    CHECK(mim_ssim_begin(&state, 11, 12, 2, exact, mim_ssim_bytes(11, 2)) == MIM_OK);
    for (row = 0; row < 12; row++) {
        CHECK(mim_ssim_end(&state, &ssim) == MIM_ORDER);
        CHECK(mim_ssim_push(&state, x, q) == MIM_OK);
    }
    CHECK(mim_ssim_push(&state, x, q) == MIM_ORDER);
    CHECK(mim_ssim_end(&state, &ssim) == MIM_OK);
    CHECK_NEAR(ssim, expected, 0.000001);
    CHECK(mim_ssim_fixed_begin(&fixed, 11, 12, 2, exact, mim_ssim_bytes(11, 2)) == MIM_OK);
    for (row = 0; row < 12; row++) CHECK(mim_ssim_fixed_push(&fixed, x, q) == MIM_OK);
    CHECK(mim_ssim_fixed_push(&fixed, x, q) == MIM_ORDER);
    CHECK(mim_ssim_fixed_end(&fixed, &units) == MIM_OK);
    CHECK_NEAR(units / 65536.0, expected, 0.0001);
}

static void test_error_map_of_equal_and_of_opposite_images(void) {
    uint8_t x[5 * 6 * 3];
    int8_t q[5 * 6 * 3];
    float map[5 * 6];
    size_t i;
    memset(q, -128, sizeof q);
    memset(x, 0, sizeof x);
    CHECK(mim_error_map(x, q, 5, 6, 3, map, sizeof map, workspace, sizeof workspace) == MIM_OK);
    for (i = 0; i < 30; i++) CHECK(map[i] == 0);
    memset(x, 255, sizeof x);
    CHECK(mim_error_map(x, q, 5, 6, 3, map, sizeof map, workspace, sizeof workspace) == MIM_OK);
    for (i = 0; i < 30; i++) CHECK_NEAR(map[i], 1 - 0.0001 / 1.0001, 0.000001);
}

static void test_bad_arguments_are_refused(void) {
    uint8_t image[12] = {0}, target[12];
    mim_ssim state;
    mim_resampler rows;
    mim_verdict_code verdict;
    mim_reason_code reason;
    const mim_gate_limits limits = {0.02f, 0.002f, 1, INFINITY};
    const mim_mask_set none = {96, 7, 4, 2};
    const mim_table empty = {NULL, NULL, 0, 0}, lost = {NULL, NULL, 0, 3}, no_values = {NULL, NULL, 3, 3};
    uint8_t label;
    float p = 0;
    int status;
    memset(&state, 0, sizeof state);
    memset(&rows, 0, sizeof rows);
    CHECK(mim_resample_push(&rows, image, 1, 6) == MIM_ORDER);
    CHECK(mim_resample_push(&rows, image, 0, 6) == MIM_ORDER); /* does not read the width, which is unknown */
    CHECK(mim_resample_end(&rows) == MIM_ORDER);
    CHECK(mim_resample(NULL, 2, 2, 6, 1, target, 2, 12, workspace, 72) == MIM_NULL);
    CHECK(mim_resample(image, 2, 2, 5, 1, target, 2, 12, workspace, 72) == MIM_STRIDE);
    CHECK(mim_resample(image, 2, 2, SIZE_MAX, 1, target, 2, 12, workspace, 72) == MIM_STRIDE);
    CHECK(mim_resample(image, 2, 2, 6, 9, target, 2, 12, workspace, 72) == MIM_ARGUMENT);
    CHECK(mim_resample(image, 2, 2, 6, 0, target, 2, 12, workspace, 72) == MIM_ARGUMENT);
    CHECK(mim_resample(image, 2, 2, 6, 1, target, 2, 11, workspace, 72) == MIM_BUFFER);
    CHECK(mim_resample(image, 2, 2, 6, 1, target, 2, 12, workspace, 71) == MIM_BUFFER);
    CHECK(mim_resample(image, 2, 2, 6, 1, target, 2, 12, (uint8_t *)workspace + 4, 100) == MIM_BUFFER);
    CHECK(mim_resample(image, 65535, 65535, 196605, 1, target, 2, 12, workspace, 72) == MIM_SIZE);
    CHECK(mim_resample_begin(&rows, 16384, 15258, 1, target, 2, 12, workspace, 72) == MIM_OK);
    CHECK(mim_resample_push(&rows, image, 15259, 49152) == MIM_ORDER);
    CHECK(mim_resample_begin(&rows, 16384, 15259, 1, target, 2, 12, workspace, 72) == MIM_SIZE);
    CHECK(mim_resample_push(&rows, image, 1, 49152) == MIM_ORDER);
    CHECK(mim_mask_label(&none, 0, 0, &label) == MIM_ARGUMENT);
    CHECK(mim_ssim_begin(&state, 10, 11, 3, workspace, sizeof workspace) == MIM_SIZE);
    CHECK(mim_ssim_push(&state, image, (const int8_t *)image) == MIM_ORDER);
    CHECK(mim_ssim_end(&state, &p) == MIM_ORDER);
    CHECK(mim_gate(&limits, 100, 0.1f, 0.1f, NAN, &reason) == MIM_NUMBER);
    CHECK(mim_p_class(&empty, 0, &p) == MIM_ARGUMENT);
    CHECK(mim_p_other(&lost, 0, &p) == MIM_ARGUMENT);
    CHECK(mim_p_other(&no_values, 0, &p) == MIM_NULL);
    CHECK(mim_p_other(&empty, NAN, &p) == MIM_NUMBER);
    CHECK(mim_verdict(NAN, 0.5f, MIM_NO_REASON, 0.05, 0.2, &verdict) == MIM_NUMBER);
    CHECK(mim_verdict(0.5f, NAN, MIM_NO_REASON, 0.05, 0.2, &verdict) == MIM_NUMBER);
    CHECK(mim_verdict(0.5f, 0.5f, (mim_reason_code)7, 0.05, 0.2, &verdict) == MIM_ARGUMENT);
    for (status = 0; status <= MIM_ORDER; status++) CHECK(strlen(mim_status_text((mim_status)status)) > 8);
}

void test_laws(void) {
    test_masks_partition_the_image();
    test_resampling_turns_and_takes_rows_in_any_portions();
    test_the_largest_photograph_is_white();
    test_examples();
    check_flat(0, -128, 1);
    check_flat(255, -128, 0.0001 / 1.0001);
    check_flat(51, 25, (2 * 0.2 * 0.6 + 0.0001) / (0.04 + 0.36 + 0.0001));
    test_error_map_of_equal_and_of_opposite_images();
    test_bad_arguments_are_refused();
}
