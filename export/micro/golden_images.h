// What the last photograph of the provider in golden_images.cc must give.
#ifndef MIM_GOLDEN_IMAGES_H
#define MIM_GOLDEN_IMAGES_H

#include "scorer.h"

// Whether similarity and foreignness are met within 0.001, the p-value within 0.000001, verdict and reason exactly.
bool golden_agrees(const MimJudgement &judgement);

// How far the similarity is off.
float golden_difference(const MimJudgement &judgement);

#endif
