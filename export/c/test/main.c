/* Runs all checks; status 0 where none failed. */
#include "check.h"

int checks, failures;

int main(void) {
    test_golden();
    test_laws();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
