/*
 * Runs the golden test, then measures each stage on one image: instructions with SysTick, which counts them under
 * `-icount shift=0`, and stack by painting it.
 */
#include <stdlib.h>

#include "check.h"
#include "golden.h"

#define S GOLDEN_SIZE
#define s GOLDEN_SMALL
#define PAINTED 4096
#define PAINT 0xa5c35a3cu

int checks, failures;

static const golden_image *image;
static uint8_t resampled[3 * S * S], small[3 * s * s];
static int8_t filled[4 * s * s], inpainted[3 * s * s];
static uint64_t workspace[(36 * S + 86 * s + 200) / 8 + 1];
static float number;
static int status;

static void resample_photo(void) {
    status |= mim_resample(image->input, image->width, image->height, 3 * image->width, 1, resampled, S, sizeof resampled,
                           workspace, sizeof workspace);
}

static void resample_again(void) {
    status |= mim_resample(resampled, S, S, 3 * S, 1, small, s, sizeof small, workspace, sizeof workspace);
}

static void fill_all(void) {
    size_t mask;
    for (mask = 0; mask < GOLDEN_MASKS; mask++)
        status |= mim_filled(&golden_mask_set, small, mask, filled, sizeof filled, workspace, sizeof workspace);
}

static void assemble_all(void) {
    size_t mask;
    for (mask = 0; mask < GOLDEN_MASKS; mask++)
        status |= mim_assemble(&golden_mask_set, image->micro + mask * sizeof inpainted, mask, inpainted,
                               sizeof inpainted);
}

static void fixed_ssim(void) {
    mim_ssim_fixed state;
    int32_t ssim;
    size_t y;
    status |= mim_ssim_fixed_begin(&state, s, s, 3, workspace, sizeof workspace);
    for (y = 0; y < s; y++) status |= mim_ssim_fixed_push(&state, small + 3 * s * y, inpainted + 3 * s * y);
    status |= mim_ssim_fixed_end(&state, &ssim);
}

#ifndef FIXED_ONLY
static float error_map[s * s];

static void float_ssim(void) {
    mim_ssim state;
    size_t y;
    status |= mim_ssim_begin(&state, s, s, 3, workspace, sizeof workspace);
    for (y = 0; y < s; y++) status |= mim_ssim_push(&state, small + 3 * s * y, inpainted + 3 * s * y);
    status |= mim_ssim_end(&state, &number);
}

static void map_errors(void) {
    status |= mim_error_map(small, inpainted, s, s, 3, error_map, sizeof error_map, workspace, sizeof workspace);
}
#endif

static void measure_contrast(void) { status |= mim_contrast(resampled, S, &number); }
static void measure_detail(void) { status |= mim_detail(resampled, S, &number); }

static void decide(void) {
    const golden_scalars *scalars = &golden_all[image->number];
    mim_reason_code reason;
    mim_verdict_code verdict;
    float p_class = 0, p_other = 0;
    status |= mim_gate(&golden_limits, scalars->side, scalars->contrast, scalars->detail, scalars->novelty,
                       &reason);
    status |= mim_p_class(&golden_tables.calibration, scalars->similarity, &p_class);
    status |= mim_p_other(&golden_tables.reference, scalars->similarity, &p_other);
    status |= mim_verdict(p_class, p_other, reason, golden_tables.alpha, golden_tables.beta, &verdict);
}

static void loop_of_three_million_instructions(void) {
    uint32_t left = 1000000;
    __asm volatile("1: sub %0, %0, #1\n cmp %0, #0\n bne 1b" : "+l"(left) : : "cc");
}

static volatile uint32_t *const SYSTICK = (volatile uint32_t *)0xe000e010; /* control, reload, value */

static uint32_t ticks_of(void (*stage)(void)) {
    SYSTICK[0] = 0;
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* use the processor's clock, no interrupt */
    stage();
    return 0xffffff - SYSTICK[2];
}

/* The number of bytes below this function's frame that a stage wrote to. */
static __attribute__((noinline)) uint32_t stack_of(void (*stage)(void)) {
    volatile uint32_t *top, *word;
    __asm volatile("mov %0, sp" : "=r"(top));
    for (word = top - PAINTED / 4; word < top; word++) *word = PAINT;
    stage();
    for (word = top - PAINTED / 4; word < top && *word == PAINT; word++) {}
    return (uint32_t)((top - word) * 4);
}

int main(void) {
    static const struct {
        const char *name;
        void (*run)(void);
        size_t workspace;
    } stages[] = {
        {"resample to S", resample_photo, 36 * S},
        {"resample to s", resample_again, 36 * s},
        {"filled, all masks", fill_all, 6 * s},
        {"assemble, all masks", assemble_all, 0},
        {"SSIM, fixed point", fixed_ssim, 86 * s + 200},
#ifndef FIXED_ONLY
        {"SSIM, float", float_ssim, 86 * s + 200},
        {"error map, float", map_errors, 86 * s + 200},
#endif
        {"contrast", measure_contrast, 0},
        {"detail", measure_detail, 0},
        {"gate, p-values, verdict", decide, 0},
    };
    uint32_t unit;
    size_t i;
    test_golden();
    printf("golden test: %d checks, %d failed\n", checks, failures);
    image = &golden_images[sizeof golden_images / sizeof *golden_images - 1];
    unit = 3000000 / ticks_of(loop_of_three_million_instructions);
    printf("photograph %u x %u, S = %d, s = %d; 1 tick = %u instructions\n", (unsigned)image->width,
           (unsigned)image->height, S, s, (unsigned)unit);
    printf("%-24s %12s %8s %10s\n", "stage", "instructions", "stack", "workspace");
    for (i = 0; i < sizeof stages / sizeof *stages; i++) {
        const uint32_t stack = stack_of(stages[i].run), ticks = ticks_of(stages[i].run);
        printf("%-24s %12lu %8lu %10lu\n", stages[i].name, (unsigned long)(ticks * unit), (unsigned long)stack,
               (unsigned long)stages[i].workspace);
    }
    return failures != 0 || status != 0;
}
