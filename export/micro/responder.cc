#include "responder.h"

#include <stdio.h>

void mim_respond(const MimPhoto &photo, const char *problem, const MimJudgement &judgement) {
    printf("%u x %u: ", static_cast<unsigned>(photo.width), static_cast<unsigned>(photo.height));
    if (problem) {
        printf("%s\n", problem);
    } else if (judgement.verdict == MIM_CANNOT_JUDGE) {  // similarity and p-value mean nothing then
        printf("%s (%s)\n", mim_verdict_name(judgement.verdict), mim_reason_name(judgement.reason));
    } else {
        printf("%s  similarity %.4f  p-value %.3f\n", mim_verdict_name(judgement.verdict),
               static_cast<double>(judgement.similarity), static_cast<double>(judgement.p_value));
    }
}
