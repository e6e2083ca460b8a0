// Compares the judgement of the provider's last photograph with its golden values.
#ifndef MIM_GOLDEN_IMAGES_H
#define MIM_GOLDEN_IMAGES_H

#include "scorer.h"

// Whether similarity and novelty agree within 0.001, the p-values within 0.00001, and verdict and reason exactly.
bool golden_agrees(const MimJudgement &judgement);

// Absolute difference between the similarity and the golden one.
float golden_difference(const MimJudgement &judgement);

#endif
