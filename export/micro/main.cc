// Judges every photograph of the provider.
#include "responder.h"
#include "scorer.h"

namespace {
alignas(16) uint8_t arena[MIM_BUNDLE_ARENA];
MimBuffers buffers;
}  // namespace

int main() {
    MimPhoto photo;
    MimJudgement judgement;
    while (mim_next_photo(&photo)) {
        const char *problem = mim_judge(photo, arena, sizeof arena, &buffers, &judgement);
        mim_respond(photo, problem, judgement);
    }
    return 0;
}
