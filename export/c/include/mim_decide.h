/* Gate, p-value and verdict: steps 2 and 8 to 10. */
#ifndef MIM_DECIDE_H
#define MIM_DECIDE_H

#include "mim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Places in `verdicts` of a manifest. */
typedef enum mim_verdict_code { MIM_MPOX_LIKE = 0, MIM_NOT_MPOX_LIKE, MIM_CANNOT_JUDGE } mim_verdict_code;

/* Places in `reasons` of a manifest. */
typedef enum mim_reason_code {
    MIM_NO_REASON = 0, /* can be judged */
    MIM_BLANK,
    MIM_BLURRED,
    MIM_NOT_SKIN,
    MIM_TOO_SMALL,
    MIM_UNREADABLE /* for the caller, whose decoder failed */
} mim_reason_code;

/* `gate` of a manifest. */
typedef struct mim_gate_limits {
    float min_contrast;    /* 0 or more */
    float min_detail;      /* 0 or more */
    size_t min_side;       /* of the decoded photograph, in pixels */
    float max_foreignness; /* INFINITY where the manifest has null */
} mim_gate_limits;

/* `calibration` of a manifest. */
typedef struct mim_calibration {
    const float *similarities; /* count values */
    const float *weights;      /* count values, 0 to 1 */
    size_t count;              /* 1 or more */
    size_t groups;             /* 1 or more */
    double alpha;              /* between 0 and 1 */
} mim_calibration;

/*
 * Standard deviation of the luma 0.299 R + 0.587 G + 0.114 B, summed in integers.
 *
 * rgb      uint8 (size, size, 3), resampled
 * size     1 to MIM_MAX_SIZE
 * contrast in [0, 0.5], for luma in [0, 1]
 *
 * Answers MIM_NULL, MIM_SIZE.
 *
 * Example: half black, half white gives 0.5; one colour gives 0 exactly.
 */
mim_status mim_contrast(const uint8_t *rgb, size_t size, float *contrast);

/*
 * Mean absolute difference of the luma of neighbours, down and to the right alike, summed in integers.
 *
 * rgb    uint8 (size, size, 3), resampled
 * size   2 to MIM_MAX_SIZE
 * detail in [0, 1], for luma in [0, 1]
 *
 * Answers MIM_NULL, MIM_SIZE.
 *
 * Example: stripes one pixel wide, black and white: 0.5, for they differ along one axis only.
 */
mim_status mim_detail(const uint8_t *rgb, size_t size, float *detail);

/*
 * Whether an image can be judged. The first of these that holds is the reason: too small, blank, blurred, not skin.
 *
 * limits          of the manifest
 * side            shorter side of the decoded photograph, in pixels
 * contrast,detail of mim_contrast and mim_detail
 * foreignness     output of mim.tflite; 0 where the measure has none
 * reason          MIM_NO_REASON where the image can be judged
 *
 * Answers MIM_NULL, MIM_NUMBER (an argument is not finite, a limit is not a number).
 *
 * Example: limits 0.019, 0.0017, 192, 6.9; side 400, contrast 0.06, detail 0.01, foreignness 7.2 give MIM_NOT_SKIN.
 */
mim_status mim_gate(const mim_gate_limits *limits, size_t side, float contrast, float detail, float foreignness,
                    mim_reason_code *reason);

/*
 * The conformal p-value: (1 + sum of weights[i] over similarities[i] <= similarity) / (groups + 1).
 *
 * table      of the manifest
 * similarity finite
 * p          in (0, 1]
 *
 * Answers MIM_NULL, MIM_ARGUMENT (count or groups is 0, or the weights do not sum to groups, as of a table that was cut
 * off), MIM_NUMBER (similarity or the table is not finite, a weight is not 0 to 1).
 *
 * Example: similarities 0.5, 0.7, 0.9, weights 1, 0.5, 0.5, 2 groups: similarity 0.8 gives (1 + 1.5) / 3 = 0.8333.
 */
mim_status mim_p_value(const mim_calibration *table, float similarity, float *p);

/*
 * The verdict: MIM_CANNOT_JUDGE where there is a reason, else MIM_NOT_MPOX_LIKE where p <= alpha + 0.000001.
 *
 * p      of mim_p_value, in [0, 1]
 * reason of mim_gate, or MIM_UNREADABLE
 * alpha  of the manifest, between 0 and 1
 *
 * Answers MIM_NULL, MIM_ARGUMENT (no such reason), MIM_NUMBER.
 *
 * Example: p 0.03 and alpha 0.05 give MIM_NOT_MPOX_LIKE, with reason MIM_BLANK MIM_CANNOT_JUDGE.
 */
mim_status mim_verdict(float p, mim_reason_code reason, double alpha, mim_verdict_code *verdict);

/* The verdict as a manifest spells it, "unknown" for another number. Example: 1 is "not-mpox-like". */
const char *mim_verdict_name(mim_verdict_code verdict);

/* The reason as a manifest spells it, "" for MIM_NO_REASON, "unknown" for another number. Example: 3 is "not skin". */
const char *mim_reason_name(mim_reason_code reason);

#ifdef __cplusplus
}
#endif

#endif
