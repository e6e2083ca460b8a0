#include "internal.h"

mim_status mim_p_value(const mim_calibration *table, float similarity, float *p) {
    double below = 0, all = 0;
    size_t i;
    if (!table || !table->similarities || !table->weights || !p) return MIM_NULL;
    if (table->count == 0 || table->groups == 0) return MIM_ARGUMENT;
    if (!isfinite(similarity)) return MIM_NUMBER;
    for (i = 0; i < table->count; i++) {
        const float weight = table->weights[i];
        if (!isfinite(table->similarities[i]) || !(weight >= 0 && weight <= 1)) return MIM_NUMBER;
        all += (double)weight;
        if (table->similarities[i] <= similarity) below += (double)weight;
    }
    /* The weights of a group sum to 1; a table that was cut off would give p-values too small. */
    if (fabs(all / (double)table->groups - 1) > 0.0001) return MIM_ARGUMENT;
    *p = (float)((1 + below) / ((double)table->groups + 1));
    if (*p > 1) *p = 1; /* weights are rounded */
    return MIM_OK;
}
