// Judges the golden images, compares each judgement with the golden one, and prints the memory that the scorer used.
#include <stdio.h>

#include "golden_images.h"
#include "responder.h"

namespace {
alignas(16) uint8_t arena[MIM_BUNDLE_ARENA];
MimBuffers buffers;
MimPhoto photo;
MimJudgement judgement;
const char *problem;

void judge() { problem = mim_judge(photo, arena, sizeof arena, &buffers, &judgement); }

#ifdef __arm__
const uint32_t PAINTED = 8192, PAINT = 0xa5c35a3c;
// CMSDK timer 0 of the MPS2 boards: control, value, reload. It counts down once per 40 ns.
volatile uint32_t *const TIMER = reinterpret_cast<volatile uint32_t *>(0x40000000);

// The number of bytes below this function's frame that the judgement wrote to.
__attribute__((noinline)) uint32_t stack_of_judge() {
    volatile uint32_t *top, *word;
    __asm volatile("mov %0, sp" : "=r"(top));
    for (word = top - PAINTED / 4; word < top; word++) *word = PAINT;
    judge();
    for (word = top - PAINTED / 4; word < top && *word == PAINT; word++) {
    }
    return static_cast<uint32_t>((top - word) * 4);
}
#endif
}  // namespace

int main() {
    unsigned images = 0, agree = 0;
    float worst = 0;
    while (mim_next_photo(&photo)) {
        judge();
        mim_respond(photo, problem, judgement);
        images++;
        if (problem) continue;
        if (golden_agrees(judgement)) agree++;
        if (golden_difference(judgement) > worst) worst = golden_difference(judgement);
    }
    printf("%u of %u golden images agree; largest difference of a similarity: %.6f\n", agree, images,
           static_cast<double>(worst));
    printf("arena: %u bytes used; buffers: %u bytes\n", static_cast<unsigned>(judgement.arena_used),
           static_cast<unsigned>(sizeof buffers));
#ifdef __arm__
    printf("stack: %u bytes\n", static_cast<unsigned>(stack_of_judge()));
    TIMER[0] = 0;
    TIMER[2] = TIMER[1] = 0xffffffff;
    TIMER[0] = 1;
    judge();
    // With -icount shift=0 one instruction takes 1 ns.
    printf("%u million instructions for a photograph of %u x %u\n",
           static_cast<unsigned>((0xffffffff - TIMER[1]) / 25000), static_cast<unsigned>(photo.width),
           static_cast<unsigned>(photo.height));
#endif
    return images == 0 || agree != images;
}
