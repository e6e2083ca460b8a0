#include "responder.h"

#include <stdio.h>

void mim_respond(const MimPhoto &photo, const char *problem, const MimJudgement &judgement) {
    printf("%u x %u: ", static_cast<unsigned>(photo.width), static_cast<unsigned>(photo.height));
    if (problem) {
        printf("%s\n", problem);
        return;
    }
    // Similarity and p-values are for logs: 0.42 does not mean 42 % mpox.
    printf("%s", mim_verdict_name(judgement.verdict));
    if (judgement.verdict == MIM_UNDECIDED) printf(": neither mpox nor other skin could be excluded, or both were");
    if (judgement.verdict == MIM_CANNOT_JUDGE) printf(": %s", mim_reason_name(judgement.reason));
    printf(" (%s)\n", MIM_CONFIG_STATEMENT);
}
