#include "internal.h"

const char *mim_status_text(mim_status status) {
    switch (status) {
    case MIM_OK:
        return "the call succeeded";
    case MIM_NULL:
        return "a pointer is null; pass memory that the caller owns";
    case MIM_SIZE:
        return "a width, height, size or number of channels is out of range; the header states the ranges";
    case MIM_STRIDE:
        return "a stride is shorter than a row or too long; pass the bytes from one row to the next";
    case MIM_BUFFER:
        return "a target or workspace is too small or not aligned to 8 bytes; the header states the size";
    case MIM_ARGUMENT:
        return "an orientation, mask, reason or table does not exist; take them from the file and manifest.json";
    case MIM_NUMBER:
        return "a number is not finite or out of range; check the model's outputs and manifest.json";
    case MIM_ORDER:
        return "begin, push and end are out of order; call begin, then push for each row, then end";
    }
    return "unknown status; compile library and application with the same headers";
}
