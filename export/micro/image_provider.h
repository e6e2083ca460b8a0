// Where photographs come from: a camera on a device, the golden images of a bundle in golden_images.cc.
#ifndef MIM_IMAGE_PROVIDER_H
#define MIM_IMAGE_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

struct MimPhoto {
    const uint8_t *rgb;  // `height` rows of `width` pixels: R, G, B, 8 bits each; upright, opaque
    size_t width, height;
    size_t stride;  // bytes from row to row, at least 3 width
};

// Gives the next photograph, or false where there is none. It stays as it is until the next call.
//
// mim_yuv_to_rgb, mim_over_white and mim_upright of mim_pixels.h help to make one.
bool mim_next_photo(MimPhoto *photo);

#endif
