#include "internal.h"

size_t mim_ssim_bytes(size_t width, size_t channels) {
    if (!mim_in(width, MIM_BORDER, MIM_MAX_SIZE) || !mim_in(channels, 1, 4)) return 0;
    return 2 * MIM_WINDOW * width * channels + 5 * sizeof(float) * (width + 2 * MIM_BORDER);
}
