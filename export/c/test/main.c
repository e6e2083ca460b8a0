/* Runs all checks. The exit status is 0 if none failed. */
#include "check.h"

int checks, failures;

int main(void) {
    test_golden();
    test_laws();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
