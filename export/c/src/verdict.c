#include "internal.h"

mim_status mim_verdict(float p, mim_reason_code reason, double alpha, mim_verdict_code *verdict) {
    if (!verdict) return MIM_NULL;
    if ((unsigned)reason > (unsigned)MIM_UNREADABLE) return MIM_ARGUMENT;
    if (!(p >= 0 && p <= 1) || !(alpha > 0 && alpha < 1)) return MIM_NUMBER;
    /* p-values are rounded: sums of the same weights in another order differ by about 0.0000001. */
    if (reason != MIM_NO_REASON)
        *verdict = MIM_CANNOT_JUDGE;
    else
        *verdict = p <= (float)(alpha + 0.000001) ? MIM_NOT_MPOX_LIKE : MIM_MPOX_LIKE;
    return MIM_OK;
}
