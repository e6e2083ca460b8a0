#include "internal.h"

size_t mim_head_count(size_t statistics, size_t components) {
    const size_t far = components * statistics + components + 2, foreign = statistics * statistics + statistics + 2;
    return statistics + 1 + far + foreign;
}
