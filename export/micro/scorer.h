// Scores a photograph with TensorFlow Lite Micro and the two integer models of a bundle of the measure deep.
//
// Research software, not a diagnosis. No image leaves the device.
#ifndef MIM_SCORER_H
#define MIM_SCORER_H

#include "image_provider.h"
#include "mim_bundle.h"
#include "mim_config.h"

// Memory that the steps share, in addition to the arena. It needs no initialization.
struct MimBuffers {
    uint64_t workspace[(36 * MIM_CONFIG_SIZE + 7) / 8];  // for mim_resample and mim_filled
    uint8_t resampled[3 * MIM_CONFIG_SIZE * MIM_CONFIG_SIZE];
    uint8_t small[3 * MIM_CONFIG_SMALL * MIM_CONFIG_SMALL];
    int8_t inpainted[3 * MIM_CONFIG_SMALL * MIM_CONFIG_SMALL];
    float weights[MIM_BUNDLE_POSITIONS];
    float statistics[2 * MIM_BUNDLE_CHANNELS];
};

struct MimJudgement {
    float similarity, novelty, p_class, p_other;
    mim_verdict_code verdict;
    mim_reason_code reason;
    size_t arena_used;  // bytes, of the model that used more
};

// Judges a photograph.
//
// arena      aligned to 16 bytes; MIM_BUNDLE_ARENA bytes are enough. Both models use it, one after the other
// judgement  valid if the result is nullptr
//
// Returns nullptr, or one line that states what failed. Allocates no heap memory.
//
// Example: with a bundle of 64 px, the golden image of 34 x 49 px gives MIM_CANNOT_JUDGE and MIM_TOO_SMALL.
const char *mim_judge(const MimPhoto &photo, uint8_t *arena, size_t arena_bytes, MimBuffers *buffers,
                      MimJudgement *judgement);

#endif
