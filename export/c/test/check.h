/* Counts checks, and prints the first failures. */
#ifndef MIM_CHECK_H
#define MIM_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mim.h"

extern int checks, failures;

void test_golden(void);
void test_laws(void);

static inline void check(int holds, const char *what, const char *file, int line) {
    checks++;
    if (!holds && ++failures <= 20) printf("%s:%d: %s\n", file, line, what);
}

#define CHECK(what) check((what) ? 1 : 0, #what, __FILE__, __LINE__)
#define CHECK_NEAR(found, expected, most) CHECK(fabs((double)(found) - (double)(expected)) <= (most))

#endif
