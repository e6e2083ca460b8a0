#include "internal.h"

const char *mim_reason_name(mim_reason_code reason) {
    static const char *const names[] = {"", "blank", "blurred", "not skin", "too small", "unreadable"};
    return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}
