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

#include "mim_decide.h"
#include "mim_deep.h"
#include "mim_masks.h"
#include "mim_pixels.h"
#include "mim_ssim.h"
#include "mim_status.h"
#include "mim_version.h"

#endif
