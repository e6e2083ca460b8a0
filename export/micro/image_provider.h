// The source of photographs: the camera of a device, or the golden images of a bundle in golden_images.cc.
#ifndef MIM_IMAGE_PROVIDER_H
#define MIM_IMAGE_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

struct MimPhoto {
    const uint8_t *rgb;  // `height` rows of `width` pixels R, G, B of 8 bits, without alpha
    size_t width, height;
    size_t stride;    // bytes from row to row, at least 3 width
    int orientation;  // 1 to 8 as in EXIF: 1 if the rows are upright, 6 if they have to be turned clockwise
};

// Gets the next photograph. Returns false if there is none. The pixels stay valid until the next call.
//
// mim_yuv_to_rgb and mim_over_white of mim_pixels.h convert a camera's pixels.
bool mim_next_photo(MimPhoto *photo);

#endif
