#include "internal.h"

void mim_rows_push(mim_rows *rows, const uint8_t *x, const int8_t *q) {
    const size_t width = rows->width, channels = rows->channels, older = (MIM_WINDOW - 1) * width;
    size_t channel, i;
    for (channel = 0; channel < channels; channel++) {
        /* Moving the rows takes a few per cent of the time and keeps them in order: loops need no modulus. */
        uint8_t *to_x = rows->x + channel * MIM_WINDOW * width;
        int8_t *to_q = rows->q + channel * MIM_WINDOW * width;
        memmove(to_x, to_x + width, older);
        memmove(to_q, to_q + width, older);
        for (i = 0; i < width; i++) {
            to_x[older + i] = x[i * channels + channel];
            to_q[older + i] = q[i * channels + channel];
        }
    }
    rows->pushed++;
}
