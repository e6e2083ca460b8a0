#include "internal.h"

/* For each channel of a row a sum of 64 bits and one of 32. */
size_t mim_resample_bytes(size_t size) { return mim_in(size, 1, MIM_MAX_SIZE) ? 36 * size : 0; }
