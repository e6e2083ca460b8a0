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

static void test_turning_there_and_back_changes_nothing(void) {
    static const int back[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    uint8_t image[5 * 4 * 3], turned[5 * 4 * 3], again[5 * 4 * 3];
    size_t i;
    int orientation;
    for (i = 0; i < sizeof image; i++) image[i] = noise();
    for (orientation = 1; orientation <= 8; orientation++) {
        const size_t width = orientation >= 5 ? 4 : 5, height = 9 - width;
        CHECK(mim_upright(image, 5, 4, 3, 15, orientation, turned, sizeof turned) == MIM_OK);
        CHECK(mim_upright(turned, width, height, 3, 3 * width, back[orientation], again, sizeof again) == MIM_OK);
        CHECK(memcmp(image, again, sizeof image) == 0);
    }
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
    uint8_t rgb[3];
    float p = 0;
    CHECK(mim_resample(four, 2, 2, 6, rgb, 1, sizeof rgb, workspace, mim_resample_bytes(1)) == MIM_OK);
    CHECK(rgb[0] == 15 && rgb[1] == 15 && rgb[2] == 15);
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
    mim_verdict_code verdict;
    mim_reason_code reason;
    const mim_gate_limits limits = {0.02f, 0.002f, 1, INFINITY};
    const mim_mask_set none = {96, 7, 4, 2};
    const mim_table empty = {NULL, NULL, 0, 0}, lost = {NULL, NULL, 0, 3}, no_values = {NULL, NULL, 3, 3};
    uint8_t label;
    float p = 0;
    int status;
    memset(&state, 0, sizeof state);
    CHECK(mim_upright(NULL, 2, 2, 3, 6, 1, target, 12) == MIM_NULL);
    CHECK(mim_upright(image, 2, 2, 3, 5, 1, target, 12) == MIM_STRIDE);
    CHECK(mim_upright(image, 2, 2, 3, SIZE_MAX, 1, target, 12) == MIM_STRIDE);
    CHECK(mim_upright(image, 2, 2, 3, 6, 9, target, 12) == MIM_ARGUMENT);
    CHECK(mim_upright(image, 2, 2, 3, 6, 1, target, 11) == MIM_BUFFER);
    CHECK(mim_upright(image, SIZE_MAX / 2, 2, 3, 6, 1, target, 12) == MIM_SIZE);
    CHECK(mim_resample(image, 2, 2, 6, target, 2, 12, workspace, mim_resample_bytes(2) - 1) == MIM_BUFFER);
    CHECK(mim_resample(image, 2, 2, 6, target, 2, 12, (uint8_t *)workspace + 4, 100) == MIM_BUFFER);
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
    CHECK(mim_verdict(0.5f, 0.5f, (mim_reason_code)6, 0.05, 0.2, &verdict) == MIM_ARGUMENT);
    for (status = 0; status <= MIM_ORDER; status++) CHECK(strlen(mim_status_text((mim_status)status)) > 8);
}

void test_laws(void) {
    test_masks_partition_the_image();
    test_turning_there_and_back_changes_nothing();
    test_examples();
    check_flat(0, -128, 1);
    check_flat(255, -128, 0.0001 / 1.0001);
    check_flat(51, 25, (2 * 0.2 * 0.6 + 0.0001) / (0.04 + 0.36 + 0.0001));
    test_error_map_of_equal_and_of_opposite_images();
    test_bad_arguments_are_refused();
}
