#include "internal.h"

const char *mim_verdict_name(mim_verdict_code verdict) {
    static const char *const names[] = {"mpox-like", "not-mpox-like", "cannot-judge"};
    return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}
