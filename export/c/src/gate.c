#include "internal.h"

mim_status mim_gate(const mim_gate_limits *limits, size_t side, float contrast, float detail, float foreignness,
                    mim_reason_code *reason) {
    if (!limits || !reason) return MIM_NULL;
    if (!isfinite(contrast) || !isfinite(detail) || !isfinite(foreignness) || !isfinite(limits->min_contrast) ||
        !isfinite(limits->min_detail) || isnan(limits->max_foreignness))
        return MIM_NUMBER;
    if (side < limits->min_side)
        *reason = MIM_TOO_SMALL;
    else if (contrast < limits->min_contrast)
        *reason = MIM_BLANK;
    else if (detail < limits->min_detail)
        *reason = MIM_BLURRED;
    else if (foreignness > limits->max_foreignness)
        *reason = MIM_NOT_SKIN;
    else
        *reason = MIM_NO_REASON;
    return MIM_OK;
}
