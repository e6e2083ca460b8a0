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
