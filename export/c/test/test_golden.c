/*
 * Checks every stage against the golden vectors of a bundle, which mim_export.sources.golden_header writes to golden.h.
 * FIXED_ONLY leaves out the float SSIM and the error map, for processors without a floating-point unit.
 */
#include "check.h"
#include "golden.h"

#define IMAGES (sizeof golden_images / sizeof *golden_images)
#define SCALARS (sizeof golden_all / sizeof *golden_all)
#define S GOLDEN_SIZE
#define s GOLDEN_SMALL

static uint8_t resampled[3 * S * S], small[3 * s * s];
static int8_t filled[4 * s * s], inpainted[3 * s * s];
/* Large enough for resampling, 36 S bytes, and for the SSIM, 22 3 s + 20 (s + 10) bytes. */
static uint64_t workspace[(36 * S + 86 * s + 200) / 8 + 1];

/* CRC-32 as in zlib, continued from `crc`; start with 0. */
static uint32_t crc32_of(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *byte = (const uint8_t *)bytes;
    int bit;
    for (crc = ~crc; count > 0; count--)
        for (crc ^= *byte++, bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    return ~crc;
}

static void check_resampling(const golden_image *image) {
    CHECK(mim_resample(image->input, image->width, image->height, 3 * image->width, 1, resampled, S, sizeof resampled,
                       workspace, sizeof workspace) == MIM_OK);
    CHECK(crc32_of(0, resampled, sizeof resampled) == image->resampled_crc32);
    CHECK(mim_resample(resampled, S, S, 3 * S, 1, small, s, sizeof small, workspace, sizeof workspace) == MIM_OK);
    CHECK(crc32_of(0, small, sizeof small) == image->small_crc32);
}

static void check_masks(const golden_image *image) {
    uint32_t crc = 0, levels_crc = 0;
    size_t mask, i;
    for (mask = 0; mask < GOLDEN_MASKS; mask++) {
        CHECK(mim_filled(&golden_mask_set, small, mask, filled, sizeof filled, workspace, sizeof workspace) == MIM_OK);
        crc = crc32_of(crc, filled, sizeof filled);
        CHECK(mim_assemble(&golden_mask_set, image->micro + mask * sizeof inpainted, mask, inpainted,
                           sizeof inpainted) == MIM_OK);
    }
    CHECK(crc == image->filled_crc32);
    for (i = 0; i < sizeof inpainted; i++) {
        const uint8_t level = (uint8_t)(inpainted[i] + 128);
        levels_crc = crc32_of(levels_crc, &level, 1);
    }
    CHECK(levels_crc == image->inpainted_crc32);
}

static void check_fixed_ssim(const golden_scalars *scalars) {
    mim_ssim_fixed state;
    int32_t ssim = 0;
    size_t y;
    CHECK(mim_ssim_fixed_begin(&state, s, s, 3, workspace, sizeof workspace) == MIM_OK);
    for (y = 0; y < s; y++) CHECK(mim_ssim_fixed_push(&state, small + 3 * s * y, inpainted + 3 * s * y) == MIM_OK);
    CHECK(mim_ssim_fixed_end(&state, &ssim) == MIM_OK);
    CHECK_NEAR(ssim / 65536.0, scalars->ssim, 0.001);
}

#ifndef FIXED_ONLY
static float error_map[s * s];

/* The golden values come from the graph, whose float32 moments are less exact; hence the tolerance 0.0001. */
static void check_float_ssim(const golden_image *image) {
    mim_ssim state;
    float ssim = 0;
    size_t i;
    CHECK(mim_ssim_begin(&state, s, s, 3, workspace, sizeof workspace) == MIM_OK);
    for (i = 0; i < s; i++) CHECK(mim_ssim_push(&state, small + 3 * s * i, inpainted + 3 * s * i) == MIM_OK);
    CHECK(mim_ssim_end(&state, &ssim) == MIM_OK);
    CHECK_NEAR(ssim, golden_all[image->number].ssim, 0.0001);
    CHECK(mim_error_map(small, inpainted, s, s, 3, error_map, sizeof error_map, workspace, sizeof workspace) == MIM_OK);
    for (i = 0; i < GOLDEN_PLACES * GOLDEN_PLACES; i++) {
        const size_t y = golden_places[i / GOLDEN_PLACES], x = golden_places[i % GOLDEN_PLACES];
        CHECK_NEAR(error_map[y * s + x], image->errors[i], 0.0001);
    }
}
#endif

static void check_gate_values(const golden_scalars *scalars) {
    float contrast = -1, detail = -1;
    CHECK(mim_contrast(resampled, S, &contrast) == MIM_OK);
    CHECK(mim_detail(resampled, S, &detail) == MIM_OK);
    /* The golden values are sums of rounded float32 values. */
    CHECK_NEAR(contrast, scalars->contrast, 0.000001 * (double)scalars->contrast);
    CHECK_NEAR(detail, scalars->detail, 0.000001 * (double)scalars->detail);
}

static void check_decision(const golden_scalars *scalars) {
    mim_reason_code reason = MIM_UNREADABLE;
    mim_verdict_code verdict = MIM_CANNOT_JUDGE;
    float p_class = -1, p_other = -1;
    CHECK(mim_gate(&golden_limits, scalars->side, scalars->contrast, scalars->detail, scalars->novelty, &reason) ==
          MIM_OK);
    CHECK(reason == scalars->reason);
    CHECK(mim_p_class(&golden_tables.calibration, scalars->similarity, &p_class) == MIM_OK);
    CHECK(mim_p_other(&golden_tables.reference, scalars->similarity, &p_other) == MIM_OK);
    CHECK_NEAR(p_class, scalars->p_class, 0.00001);
    CHECK_NEAR(p_other, scalars->p_other, 0.00001);
    CHECK(mim_verdict(p_class, p_other, reason, golden_tables.alpha, golden_tables.beta, &verdict) == MIM_OK);
    CHECK(verdict == scalars->verdict);
    if (reason == MIM_NO_REASON) {
        const int no_class = scalars->similarity < golden_class_threshold;
        const int no_other = scalars->similarity > golden_other_threshold;
        CHECK((verdict == MIM_NOT_MPOX_LIKE) == (no_class && !no_other));
        CHECK((verdict == MIM_MPOX_LIKE) == (no_other && !no_class));
    }
}

void test_golden(void) {
    size_t i;
    for (i = 0; i < IMAGES; i++) {
        const golden_image *image = &golden_images[i];
        check_resampling(image);
        check_masks(image);
        check_fixed_ssim(&golden_all[image->number]);
#ifndef FIXED_ONLY
        check_float_ssim(image);
#endif
        check_gate_values(&golden_all[image->number]);
    }
    for (i = 0; i < SCALARS; i++) check_decision(&golden_all[i]);
    for (i = 0; i < sizeof golden_verdicts / sizeof *golden_verdicts; i++)
        CHECK(strcmp(mim_verdict_name((mim_verdict_code)i), golden_verdicts[i]) == 0);
    for (i = 0; i < sizeof golden_reasons / sizeof *golden_reasons; i++)
        CHECK(strcmp(mim_reason_name((mim_reason_code)i), golden_reasons[i]) == 0);
}
