// An image provider of the golden images, and the check against their golden values.
// mim_export.sources.golden_header --all writes both to golden.h.
#include "golden_images.h"

#include "golden.h"
#include "image_provider.h"

namespace {
size_t next = 0;
}

bool mim_next_photo(MimPhoto *photo) {
    if (next == sizeof golden_images / sizeof *golden_images) return false;
    const golden_image &image = golden_images[next++];
    *photo = {image.input, image.width, image.height, 3 * image.width, 1};
    return true;
}

bool golden_agrees(const MimJudgement &judgement) {
    const golden_scalars &expected = golden_all[golden_images[next - 1].number];
    return fabsf(judgement.similarity - expected.similarity) <= 0.001f &&
           fabsf(judgement.novelty - expected.novelty) <= 0.001f &&
           fabsf(judgement.p_class - expected.p_class) <= 0.00001f &&
           fabsf(judgement.p_other - expected.p_other) <= 0.00001f && judgement.verdict == expected.verdict &&
           judgement.reason == expected.reason;
}

float golden_difference(const MimJudgement &judgement) {
    return fabsf(judgement.similarity - golden_all[golden_images[next - 1].number].similarity);
}
