// What is done with a judgement: responder.cc prints verdict or reason and the statement, a device may light a lamp.
#ifndef MIM_RESPONDER_H
#define MIM_RESPONDER_H

#include "scorer.h"

// `problem` is what mim_judge answered: nullptr, or why there is no judgement.
void mim_respond(const MimPhoto &photo, const char *problem, const MimJudgement &judgement);

#endif
