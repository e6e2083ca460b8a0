/* mim-tf: all headers of the C library in one file. Written by export/c/amalgamate.sh: do not edit. */
/*
 * The scorer of a mim-tf bundle in C99: every step except the two TFLite models.
 *
 * The step numbers are those of the bundle's contract, "From a photograph to a verdict". The caller owns all memory.
 * The library allocates nothing, has no global variables, and uses only string.h, stdint.h, stddef.h and math.h of the
 * C library. Functions may run in several threads at the same time on different memory.
 *
 *     photograph  --mim_yuv_to_rgb or mim_over_white-->  RGB  --mim_resample, with the orientation-->  S x S
 *     S x S  --mim_contrast, mim_detail, mim_gate-->  reason
 *     S x S  --mim_resample-->  s x s  --mim_filled-->  mim_micro.tflite, once per mask  --mim_assemble-->  inpainting
 *     s x s and inpainting  --mim_ssim_...-->  SSIM
 *     for the measure deep  s x s and inpainting  --mim_error_weights-->  weights
 *                           S x S  --mim_features.tflite-->  features
 *                           features and weights  --mim_statistics, mim_similarity-->  similarity, novelty
 *     similarity  --mim_p_class, mim_p_other-->  p-values
 *     p-values and reason  --mim_verdict-->  verdict
 *
 * Research software, not a diagnosis. No image leaves the device.
 */
#ifndef MIM_H
#define MIM_H

/* include/mim_version.h */
/* Version of the library. CMakeLists.txt, pack.sh and the packages of other targets read the numbers from here. */
#ifndef MIM_VERSION_H
#define MIM_VERSION_H

#define MIM_VERSION_MAJOR 0
#define MIM_VERSION_MINOR 2
#define MIM_VERSION_PATCH 0

/* Number of the bundle format that the library computes, `format` of the manifest. */
#define MIM_FORMAT 4

#endif

/* include/mim_status.h */
/* Status codes, and limits that several functions share. */
#ifndef MIM_STATUS_H
#define MIM_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Longest side of a photograph in pixels, that of a JPEG, and the largest number of its pixels. More are too large: also
 * a PNG of 70000 x 3000 pixels, although it has only 210 million.
 */
#define MIM_MAX_SIDE 65535
#define MIM_MAX_PIXELS 250000000
/* Longest side of the input of a model or a measure, in pixels. */
#define MIM_MAX_SIZE 4096
/* Alignment of every workspace, in bytes. */
#define MIM_ALIGNMENT 8

/* If a function returns anything but MIM_OK, do not use its outputs. */
typedef enum mim_status {
    MIM_OK = 0,
    MIM_NULL,     /* a pointer is null */
    MIM_SIZE,     /* a width, height, size or count is out of range */
    MIM_STRIDE,   /* a stride is shorter than a row, or the image does not fit into the address space */
    MIM_BUFFER,   /* a target or workspace is too small, or a workspace is not aligned */
    MIM_ARGUMENT, /* an orientation, mask, reason or table does not exist */
    MIM_NUMBER,   /* a floating-point argument is not finite or out of range */
    MIM_ORDER     /* begin, push and end were called in the wrong order, or with the wrong number of rows */
} mim_status;

/*
 * One line that states the problem and the remedy. Never null; the string is static.
 *
 * Example: mim_status_text(MIM_NULL) is "a pointer is null; pass memory that the caller owns".
 */
const char *mim_status_text(mim_status status);

#ifdef __cplusplus
}
#endif

#endif

/* include/mim_pixels.h */
/* From the pixels of a camera or decoder to the input image of a model: steps 1 to 4a. */
#ifndef MIM_PIXELS_H
#define MIM_PIXELS_H


#ifdef __cplusplus
extern "C" {
#endif

/*
 * Composites RGBA over white: (c a + 255 (255 - a) + 127) div 255. The image may be a part of the rows of a photograph.
 *
 * rgba         uint8, `height` rows of `width` pixels R, G, B, A, alpha not premultiplied
 * width,height 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS
 * stride       bytes from row to row, at least 4 width
 * rgb          uint8 (height, width, 3), rows without padding; may be `rgba` itself, to reuse its memory
 * rgb_bytes    at least 3 width height
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: (200, 0, 100, 128) becomes (227, 127, 177); alpha 0 gives white.
 */
mim_status mim_over_white(const uint8_t *rgba, size_t width, size_t height, size_t stride, uint8_t *rgb,
                          size_t rgb_bytes);

/* An image in Android's ImageFormat.YUV_420_888; the pixel stride of the plane Y is 1. */
typedef struct mim_yuv {
    const uint8_t *y;       /* height rows of width bytes */
    const uint8_t *u;       /* (height + 1) / 2 rows of (width + 1) / 2 values, U = Cb */
    const uint8_t *v;       /* the same for V = Cr; may be interleaved with u */
    size_t width, height;   /* 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS */
    size_t y_stride;        /* bytes from row to row of y, at least width */
    size_t uv_stride;       /* bytes from row to row of u and of v */
    size_t uv_pixel_stride; /* bytes from value to value: 1 (planar) or 2 (interleaved), at most MIM_MAX_SIDE */
} mim_yuv;

/*
 * Converts full-range BT.601 (JFIF), the format of Android's cameras, to RGB. 128 is subtracted from U and V first.
 * Coefficients are in units of 1/65536; each result is rounded once, half up, and clamped to 0 to 255:
 *     R = Y + (91881 V + 32768) >> 16,   G = Y + (-22554 U - 46802 V + 32768) >> 16,   B = Y + (116130 U + 32768) >> 16
 * where >> rounds down. One chroma value serves 2 x 2 pixels, without interpolation.
 *
 * rgb          uint8 (height, width, 3), rows without padding; must not overlap the planes
 * rgb_bytes    at least 3 width height
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_STRIDE, MIM_BUFFER.
 *
 * Example: Y 81, U 90, V 240 becomes (238, 14, 14).
 */
mim_status mim_yuv_to_rgb(const mim_yuv *image, uint8_t *rgb, size_t rgb_bytes);

/* Bytes of workspace for resampling: 36 size; 0 if size is not in 1 to MIM_MAX_SIZE. Example: 6912 for 192. */
size_t mim_resample_bytes(size_t size);

/* State of a resampling. Its members are private. */
typedef struct mim_resampler {
    void *sums; /* 3 size uint64 of the target row, 3 size uint32 of the source row */
    uint8_t *target;
    size_t at, along, down; /* index of the next target row; steps from pixel to pixel and from row to row */
    size_t width, height, pushed;
    size_t first, top;         /* of the centre square, as stored */
    uint32_t side, size, left; /* of the square and of the target; units that the target row still needs */
} mim_resampler;

/*
 * Starts resampling a photograph by exact area average (steps 3 and 4), from rows that are decoded one after another.
 * The centre square of the upright photograph becomes size x size pixels. Smaller images are enlarged by the same rule.
 *
 * state           initialized by this call
 * width,height    of the photograph as it is stored, 1 to MIM_MAX_SIDE, together at most MIM_MAX_PIXELS
 * orientation     1 to 8, the value of the EXIF tag 0x0112; 1 if the file has none
 * target          uint8 (size, size, 3), rows without padding, upright; used until mim_resample_end
 * size            1 to MIM_MAX_SIZE
 * target_bytes    at least 3 size size
 * workspace       mim_resample_bytes(size) bytes, aligned to MIM_ALIGNMENT; used until mim_resample_end
 *
 * Uses integers only, with 64-bit sums: the result is the same on every machine, and the same as if the whole
 * photograph had been turned upright first.
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT (orientation), MIM_BUFFER.
 *
 * Example: a photograph of 16384 x 15258 pixels for 192 px: begin, push 15258 rows of 49152 bytes, end. The state takes
 * 6912 bytes of workspace.
 */
mim_status mim_resample_begin(mim_resampler *state, size_t width, size_t height, int orientation, uint8_t *target,
                              size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes);

/*
 * Adds the next rows as they are stored, from top to bottom. Rows outside the centre square take no time.
 *
 * rows   uint8, `count` rows of `width` RGB pixels; must not overlap target and workspace
 * count  0 to the number of missing rows
 * stride bytes from row to row, at least 3 width
 *
 * Errors: MIM_NULL, MIM_ORDER (more rows than the photograph has, or begin failed), MIM_STRIDE.
 */
mim_status mim_resample_push(mim_resampler *state, const uint8_t *rows, size_t count, size_t stride);

/*
 * Says whether the target is complete. If it is not, do not use it.
 *
 * Errors: MIM_NULL, MIM_ORDER (rows are missing: the file is damaged).
 */
mim_status mim_resample_end(const mim_resampler *state);

/*
 * Resamples a photograph in memory: begin, push of all rows, end.
 *
 * source          uint8, `height` rows of `width` RGB pixels, as stored
 * stride          bytes from row to row, at least 3 width
 * other arguments as for mim_resample_begin
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT, MIM_BUFFER, MIM_STRIDE.
 *
 * Example: at size 1 the 2 x 2 image 0, 10, 20, 31 (in each channel) becomes (122 + 4) div 8 = 15. At size 2 it becomes
 * 20, 0, 31, 10 with the orientation 6 (turn clockwise), and 10, 0, 31, 20 with 2 (mirror).
 */
mim_status mim_resample(const uint8_t *source, size_t width, size_t height, size_t stride, int orientation,
                        uint8_t *target, size_t size, size_t target_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif

/* include/mim_masks.h */
/* The mask set, and the input and output of mim_micro.tflite: steps 5 and 6. */
#ifndef MIM_MASKS_H
#define MIM_MASKS_H


#ifdef __cplusplus
extern "C" {
#endif

/* `mask_set` of the manifest: mask (x div cell + (y div cell) step) mod count hides pixel (y, x). */
typedef struct mim_mask_set {
    size_t size;  /* side s of the image to inpaint, 1 to MIM_MAX_SIZE */
    size_t cell;  /* side of a cell in pixels; divides size */
    size_t count; /* number of masks, 2 to 255 */
    size_t step;  /* 1 to 255 */
} mim_mask_set;

/*
 * The number of the mask that hides a pixel.
 *
 * set   the mask set
 * y, x  row and column, less than set->size
 * label 0 to count - 1
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set), MIM_SIZE (outside the image).
 *
 * Example: size 96, cell 8, count 4, step 2: pixel (9, 17) is hidden by mask (2 + 1 * 2) mod 4 = 0.
 */
mim_status mim_mask_label(const mim_mask_set *set, size_t y, size_t x, uint8_t *label);

/* Bytes of workspace for mim_filled: 6 s. Example: 576 for 96 px. */
size_t mim_filled_bytes(size_t size);

/*
 * Writes the model's input for one mask. Channels 0 to 2 are the colours of kept pixels, and for hidden ones averages of
 * kept pixels (the contract, step 5a); channel 3 is 255 for kept pixels and 0 for hidden ones; 128 is subtracted from
 * all. The tensor's scale is 1/128 and its zero point -1.
 *
 * set             the mask set
 * rgb             uint8 (s, s, 3), the image to inpaint
 * mask            0 to count - 1
 * input           int8 (s, s, 4)
 * input_bytes     at least 4 s s
 * workspace       mim_filled_bytes(s) bytes
 *
 * rgb, input and workspace must not overlap: rgb is read until the end, and input holds intermediate results.
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set, or no such mask), MIM_BUFFER.
 *
 * Example: the pixel (200, 0, 255) gives (72, -128, 127, 127) if kept. Hidden pixels of an image of this colour give
 * (72, -128, 127, -128).
 */
mim_status mim_filled(const mim_mask_set *set, const uint8_t *rgb, size_t mask, int8_t *input, size_t input_bytes,
                      void *workspace, size_t workspace_bytes);

/*
 * Copies the pixels that one mask hides from the model's output into the inpainting. After one call for each mask the
 * inpainting is complete. The tensor's scale is 1/128 and its zero point -1, so q + 128 is the pixel: -28 is 100.
 *
 * set             the mask set
 * output          int8 (s, s, 3), the model's output for this mask
 * mask            0 to count - 1
 * inpainted       int8 (s, s, 3); other pixels are not changed. Must not overlap the output
 * inpainted_bytes at least 3 s s
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (invalid mask set, or no such mask), MIM_BUFFER.
 *
 * Example: size 2, cell 1, count 2, step 1: mask 0 copies the pixels (0, 0) and (1, 1).
 */
mim_status mim_assemble(const mim_mask_set *set, const int8_t *output, size_t mask, int8_t *inpainted,
                        size_t inpainted_bytes);

#ifdef __cplusplus
}
#endif

#endif

/* include/mim_ssim.h */
/*
 * SSIM between image and inpainting, computed row by row, and the error map: step 7.
 *
 * The image is uint8 with x = value / 255, the inpainting int8 with y = (q + 128) / 255. The window is an 11 x 11
 * Gaussian of sigma 1.5; variances are population variances; C1 = 0.0001, C2 = 0.0009. The mean is over the windows
 * inside the image and over the channels.
 */
#ifndef MIM_SSIM_H
#define MIM_SSIM_H


#ifdef __cplusplus
extern "C" {
#endif

/* The last 11 rows of both images and one row of moments. Its members are private. */
typedef struct mim_rows {
    void *columns; /* 5 (width + 10) floats or int32 */
    uint8_t *x;    /* for each channel 11 rows of width bytes */
    int8_t *q;
    size_t width, height, channels, pushed;
} mim_rows;

/* State of a float SSIM. Its members are private. */
typedef struct mim_ssim {
    mim_rows rows;
    double sum;
} mim_ssim;

/* State of a fixed-point SSIM. Its members are private. */
typedef struct mim_ssim_fixed {
    mim_rows rows;
    int64_t sum;
} mim_ssim_fixed;

/*
 * Bytes of workspace for either SSIM and for the error map: 22 width channels + 20 (width + 10).
 * 0 if width is not in 5 to MIM_MAX_SIZE or channels not in 1 to 4. Example: 8456 for 96 px and 3 channels.
 */
size_t mim_ssim_bytes(size_t width, size_t channels);

/*
 * Starts a float SSIM, for processors with a floating-point unit. Within 0.00001 of scikit-image.
 *
 * state           initialized by this call
 * width,height    11 to MIM_MAX_SIZE
 * channels        1 to 4
 * workspace       mim_ssim_bytes(width, channels) bytes, aligned to MIM_ALIGNMENT; used until mim_ssim_end
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: begin with 96 x 96 x 3, push the rows 0 to 95, end.
 */
mim_status mim_ssim_begin(mim_ssim *state, size_t width, size_t height, size_t channels, void *workspace,
                          size_t workspace_bytes);

/*
 * Adds the next row; rows go from top to bottom.
 *
 * x  uint8 (width, channels), a row of the image
 * q  int8 (width, channels), the same row of the inpainting
 *
 * Errors: MIM_NULL, MIM_ORDER (all rows were pushed already, or begin was not called).
 */
mim_status mim_ssim_push(mim_ssim *state, const uint8_t *x, const int8_t *q);

/*
 * Writes the SSIM, in [-1, 1], after all rows have been pushed.
 *
 * Errors: MIM_NULL, MIM_ORDER (rows are missing).
 *
 * Example: x = 0 and q = -128 everywhere (both black) give 1; x = 255 and q = -128 (white and black) give
 * 0.0001 / 1.0001 = 0.00009999.
 */
mim_status mim_ssim_end(const mim_ssim *state, float *ssim);

/* Like mim_ssim_begin, for processors without a floating-point unit. Within 0.001 of scikit-image. */
mim_status mim_ssim_fixed_begin(mim_ssim_fixed *state, size_t width, size_t height, size_t channels, void *workspace,
                                size_t workspace_bytes);

/* Like mim_ssim_push. Uses integers only. */
mim_status mim_ssim_fixed_push(mim_ssim_fixed *state, const uint8_t *x, const int8_t *q);

/* Like mim_ssim_end; the result is in units of 1/65536. Example: 32768 is an SSIM of 0.5. */
mim_status mim_ssim_fixed_end(const mim_ssim_fixed *state, int32_t *ssim);

/*
 * 1 - SSIM at each pixel, averaged over the channels. Both images are padded by reflection, with the edge pixel
 * repeated.
 *
 * x               uint8 (height, width, channels)
 * q               int8, the same shape
 * width,height    5 to MIM_MAX_SIZE
 * channels        1 to 4
 * map             float (height, width), in [0, 2], 0 where the images are equal
 * map_bytes       at least 4 width height
 * workspace       mim_ssim_bytes(width, channels) bytes, aligned to MIM_ALIGNMENT
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: a white image and a black inpainting give 1 - 0.00009999 = 0.99990001 everywhere.
 */
mim_status mim_error_map(const uint8_t *x, const int8_t *q, size_t width, size_t height, size_t channels, float *map,
                         size_t map_bytes, void *workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif

/* include/mim_deep.h */
/* The measure deep, computed from the outputs of mim_micro.tflite and mim_features.tflite: step 7a. */
#ifndef MIM_DEEP_H
#define MIM_DEEP_H


#ifdef __cplusplus
extern "C" {
#endif

/* Side in pixels of the square of the inpainted image that one position of the features covers. */
#define MIM_CELL 8

/* Content of head.f32, and the constants of `measure.network` in the manifest. */
typedef struct mim_head {
    const float *values;   /* count values in the order of head.f32 */
    size_t count;          /* mim_head_count(statistics, components) */
    size_t statistics;     /* D, 2 to 2 MIM_MAX_SIZE, even */
    size_t components;     /* K, 1 to D */
    float distance_weight; /* 0 or more like the next three */
    float novelty_weight;
    float novelty_start; /* novelty below this costs nothing */
    float novelty_range; /* novelty beyond start + range costs no more */
} mim_head;

/*
 * The number of values of a head: D + 1 + (K D + K + 2) + (D D + D + 2).
 *
 * Example: 160 statistics and 30 components need 30 755.
 */
size_t mim_head_count(size_t statistics, size_t components);

/*
 * Weight of each position of the features: its share of the inpainting error.
 *
 * x             uint8 (size, size, 3), the image before inpainting
 * q             int8 (size, size, 3), its complete inpainting
 * size          8 to MIM_MAX_SIZE, a multiple of MIM_CELL
 * weights       float (size / 8, size / 8); they sum to 1
 * weights_bytes at least 4 (size / 8) (size / 8)
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER.
 *
 * Example: without any error, 96 px give 144 weights of 1 / 144.
 */
mim_status mim_error_weights(const uint8_t *x, const int8_t *q, size_t size, float *weights, size_t weights_bytes);

/*
 * Weighted mean of each channel of the features, followed by the weighted standard deviation of each channel.
 *
 * features    int8 (positions, channels), output of mim_features.tflite
 * positions   1 to MIM_MAX_SIZE
 * channels    1 to MIM_MAX_SIZE
 * scale, zero quantization of that tensor: real = scale (q - zero)
 * weights     float (positions); they sum to 1
 * statistics  float (2 channels)
 * statistics_bytes at least 8 channels
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_BUFFER, MIM_NUMBER (scale is not above 0).
 *
 * Example: one channel of 3 and 7 at two positions of weight 0.5, scale 2, zero 1: mean 8, deviation 4.
 */
mim_status mim_statistics(const int8_t *features, size_t positions, size_t channels, float scale, int32_t zero,
                          const float *weights, float *statistics, size_t statistics_bytes);

/*
 * Similarity and novelty of the statistics.
 *
 * The similarity is a linear function of the statistics, less the weighted distance to the class in the subspace of K
 * components, less the weighted novelty. The novelty is the distance to the class in all D dimensions.
 *
 * head        of the bundle
 * statistics  float (head->statistics)
 * similarity  finite
 * novelty     finite; the input of mim_gate
 *
 * Errors: MIM_NULL, MIM_SIZE, MIM_ARGUMENT (count does not match statistics and components), MIM_NUMBER (not finite).
 */
mim_status mim_similarity(const mim_head *head, const float *statistics, float *similarity, float *novelty);

#ifdef __cplusplus
}
#endif

#endif

/* include/mim_decide.h */
/* Gate, p-values and verdict: steps 2 and 8 to 10. */
#ifndef MIM_DECIDE_H
#define MIM_DECIDE_H


#ifdef __cplusplus
extern "C" {
#endif

/* Indices into `verdicts` of the manifest. */
typedef enum mim_verdict_code {
    MIM_MPOX_LIKE = 0, /* other skin alone is excluded */
    MIM_NOT_MPOX_LIKE, /* the class alone is excluded */
    MIM_UNDECIDED,     /* neither is excluded, or both are */
    MIM_CANNOT_JUDGE   /* there is a reason */
} mim_verdict_code;

/* Indices into `reasons` of the manifest. */
typedef enum mim_reason_code {
    MIM_NO_REASON = 0, /* the image can be judged */
    MIM_BLANK,
    MIM_BLURRED,
    MIM_NOT_SKIN,
    MIM_TOO_SMALL,
    MIM_UNREADABLE, /* set by the caller if decoding failed */
    MIM_TOO_LARGE   /* set by the caller if MIM_MAX_SIDE or MIM_MAX_PIXELS is exceeded, before decoding */
} mim_reason_code;

/* `gate` of the manifest. */
typedef struct mim_gate_limits {
    float min_contrast; /* 0 or more */
    float min_detail;   /* 0 or more */
    size_t min_side;    /* of the decoded photograph, in pixels */
    float max_novelty;  /* INFINITY if it is null in the manifest */
} mim_gate_limits;

/* The similarities of one hypothesis: of images of the class, or of images of other skin. */
typedef struct mim_table {
    const float *similarities; /* count values */
    const float *weights;      /* count values that sum to groups */
    size_t count, groups;      /* 1 or more; both 0 in a reference without images, whose pointers may be NULL */
} mim_table;

/* `calibration` and `reference` of the manifest. */
typedef struct mim_tables {
    mim_table calibration; /* the class */
    mim_table reference;   /* other skin */
    double alpha;          /* of the calibration, between 0 and 1 */
    double beta;           /* of the reference, between 0 and 1 */
} mim_tables;

/*
 * Standard deviation of the luma 0.299 R + 0.587 G + 0.114 B, summed in integers.
 *
 * rgb      uint8 (size, size, 3), resampled
 * size     1 to MIM_MAX_SIZE
 * contrast in [0, 0.5]; luma is in [0, 1]
 *
 * Errors: MIM_NULL, MIM_SIZE.
 *
 * Example: half black, half white gives 0.5; one colour gives 0 exactly.
 */
mim_status mim_contrast(const uint8_t *rgb, size_t size, float *contrast);

/*
 * Mean absolute difference between the luma of neighbours, vertical and horizontal, summed in integers.
 *
 * rgb    uint8 (size, size, 3), resampled
 * size   2 to MIM_MAX_SIZE
 * detail in [0, 1]; luma is in [0, 1]
 *
 * Errors: MIM_NULL, MIM_SIZE.
 *
 * Example: black and white stripes one pixel wide give 0.5, because they differ along one axis only.
 */
mim_status mim_detail(const uint8_t *rgb, size_t size, float *detail);

/*
 * Decides whether an image can be judged. Checks in this order: too small, blank, blurred, not skin. The first that
 * applies is the reason.
 *
 * limits          `gate` of the manifest
 * side            shorter side of the decoded photograph, in pixels
 * contrast,detail outputs of mim_contrast and mim_detail
 * novelty         output of mim.tflite or of mim_similarity; 0 if the measure has none
 * reason          MIM_NO_REASON if the image can be judged
 *
 * Errors: MIM_NULL, MIM_NUMBER (an argument, min_contrast or min_detail is not finite, or max_novelty is NaN).
 *
 * Example: limits 0.019, 0.0017, 192, 6.9; side 400, contrast 0.06, detail 0.01, novelty 7.2 give MIM_NOT_SKIN.
 */
mim_status mim_gate(const mim_gate_limits *limits, size_t side, float contrast, float detail, float novelty,
                    mim_reason_code *reason);

/*
 * The p-value of the class: (1 + sum of weights[i] over similarities[i] <= similarity) / (groups + 1).
 *
 * calibration `calibration` of the manifest
 * similarity  finite
 * p           in (0, 1]
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (count or groups is 0, or the weights do not sum to groups, as in a truncated table),
 * MIM_NUMBER (similarity or the table is not finite, or a weight is not in 0 to 1).
 *
 * Example: similarities 0.5, 0.7, 0.9, weights 1, 0.5, 0.5, 2 groups: similarity 0.8 gives (1 + 1.5) / 3 = 0.8333.
 */
mim_status mim_p_class(const mim_table *calibration, float similarity, float *p);

/*
 * The p-value of other skin: (1 + sum of weights[i] over similarities[i] >= similarity) / (groups + 1).
 *
 * reference  `reference` of the manifest; without images p is 1
 * similarity finite
 * p          in (0, 1]
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (either count or groups is 0, or the weights do not sum to groups), MIM_NUMBER
 * (similarity or the table is not finite, or a weight is not in 0 to groups).
 *
 * Example: similarities 0.2, 0.4, 0.6, weights 1.5, 0.75, 0.75, 3 groups: similarity 0.3 gives (1 + 1.5) / 4 = 0.625.
 */
mim_status mim_p_other(const mim_table *reference, float similarity, float *p);

/*
 * The verdict. The class is excluded if p_class <= alpha + 0.00001, other skin if p_other <= beta + 0.00001.
 *
 * p_class, p_other outputs of mim_p_class and mim_p_other, in [0, 1]
 * reason           output of mim_gate, MIM_UNREADABLE or MIM_TOO_LARGE
 * alpha, beta      of the manifest, between 0 and 1
 * verdict          MIM_CANNOT_JUDGE if there is a reason, else MIM_MPOX_LIKE if other skin alone is excluded,
 *                  MIM_NOT_MPOX_LIKE if the class alone is, and MIM_UNDECIDED if neither or both are
 *
 * Errors: MIM_NULL, MIM_ARGUMENT (no such reason), MIM_NUMBER.
 *
 * Example: p_class 0.03, p_other 0.9, alpha 0.05 and beta 0.2 give MIM_NOT_MPOX_LIKE; with the reason MIM_BLANK they
 * give MIM_CANNOT_JUDGE.
 */
mim_status mim_verdict(float p_class, float p_other, mim_reason_code reason, double alpha, double beta,
                       mim_verdict_code *verdict);

/* The name of a verdict in the manifest, else "unknown". Example: 1 is "not-mpox-like". */
const char *mim_verdict_name(mim_verdict_code verdict);

/* The name of a reason in the manifest, "" for MIM_NO_REASON, else "unknown". Example: 3 is "not skin". */
const char *mim_reason_name(mim_reason_code reason);

#ifdef __cplusplus
}
#endif

#endif

#endif
