// Presents a judgement. responder.cc prints verdict, reason and statement; a device may light a lamp instead.
#ifndef MIM_RESPONDER_H
#define MIM_RESPONDER_H

#include "scorer.h"

// `problem` is the result of mim_judge: nullptr, or the reason why there is no judgement.
void mim_respond(const MimPhoto &photo, const char *problem, const MimJudgement &judgement);

#endif
