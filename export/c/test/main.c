/* Runs all checks; with LAWS_ONLY those that need no golden vectors. The exit status is 0 if none failed. */
#include "check.h"

int checks, failures;

int main(void) {
#ifndef LAWS_ONLY
    test_golden();
#endif
    test_laws();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
