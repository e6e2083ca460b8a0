/* What a function answers, and limits that several functions share. */
#ifndef MIM_STATUS_H
#define MIM_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest side of a photograph, in pixels: with four channels its bytes can still be counted in 32 bits. */
#define MIM_MAX_SIDE 32767
/* Longest side of an image that a model or a measure takes, in pixels. */
#define MIM_MAX_SIZE 4096
/* Alignment of every workspace, in bytes. */
#define MIM_ALIGNMENT 8

/* Unless a function answers MIM_OK, what it should have written is not to be used. */
typedef enum mim_status {
    MIM_OK = 0,
    MIM_NULL,     /* a pointer is null */
    MIM_SIZE,     /* a width, height, size or count is out of range */
    MIM_STRIDE,   /* a stride is shorter than a row, or the image would not fit into the address space */
    MIM_BUFFER,   /* a target or workspace is too small, or a workspace is not aligned */
    MIM_ARGUMENT, /* an orientation, mask, reason or table is none that exists */
    MIM_NUMBER,   /* a floating-point argument is not finite or out of range */
    MIM_ORDER     /* rows and begin, push, end do not fit together */
} mim_status;

/*
 * One line that says what is wrong and what to do about it. Never null; the line lives as long as the program.
 *
 * Example: mim_status_text(MIM_NULL) is "a pointer is null; pass memory that the caller owns".
 */
const char *mim_status_text(mim_status status);

#ifdef __cplusplus
}
#endif

#endif
