/* Gate, p-values and verdict: steps 2 and 8 to 10. */
#ifndef MIM_DECIDE_H
#define MIM_DECIDE_H

#include "mim_status.h"

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
