/* sd_log1p against long double log1pl: worst error in ULP over every range of w. */
#include "compiler.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "arith/log1p.h"

#if LDBL_MANT_DIG < 64

int main(void) {
    puts("ok log1p: skipped, long double is no wider than double here");
    return 0;
}

#else

static const double allowed_ulp = 0.51;

static uint64_t state = 1;

/* splitmix64 */
static uint64_t random_word(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double random_unit(void) { return (double)(random_word() >> 11) * 0x1p-53; }

static double worst;

static int check(double w) {
    long double exact = log1pl((long double)w);
    int exponent;
    frexpl(exact, &exponent);
    /* The spacing of doubles around the exact result. */
    long double ulp = ldexpl(1.0L, exponent > -1021 ? exponent - 53 : -1074);
    double result = sd_log1p(w);
    double error = (double)(fabsl(result - exact) / ulp);
    if (error > worst) worst = error;
    if (error <= allowed_ulp) return 1;
    printf("log1p(%a) = %a is %.4f ULP from %.20Lg\n", w, result, error, exact);
    return 0;
}

static int check_around(double w) {
    int good = check(w);
    double below = w, above = w;
    for (int i = 0; i < 200; i++) {
        below = nextafter(below, 0.0);
        above = nextafter(above, INFINITY);
        good &= check(below) & check(above);
    }
    return good;
}

int main(void) {
    volatile double w = 0.7;
    if (log1pl((long double)w) == (long double)log1p(w)) {
        puts("ok log1p: skipped, the C library's log1pl is its log1p");
        return 0;
    }
    double zero = sd_log1p(0.0);
    if (zero != 0.0 || signbit(zero)) {
        printf("log1p(0) = %a\n", zero);
        return 1;
    }
    for (int i = -1074; i < -53; i++) {
        double w = ldexp(1.0 + random_unit(), i);
        if (sd_log1p(w) != w) {
            printf("log1p(%a) = %a, not the argument\n", w, sd_log1p(w));
            return 1;
        }
    }
    int good = 1;
    for (int i = 0; i < 3000000; i++) {
        good &= check(random_unit());
        if (!good) return 1;
    }
    for (int i = 0; i < 2000000; i++) {
        good &= check(ldexp(1.0 + random_unit(), (int)(random_word() % 120) - 60));
        if (!good) return 1;
    }
    for (int i = 0; i < 500000; i++) {
        good &= check(ldexp(1.0 + random_unit(), (int)(random_word() % 2098) - 1074));
        if (!good) return 1;
    }
    /* Where the table changes bucket, and where the exponent of 1 + w changes. */
    for (int j = 1; j <= 512; j++) good &= check_around(j / 128.0);
    for (int i = -60; i < 1024; i++) good &= check_around(ldexp(1.0, i));
    good &= check(DBL_MAX);
    if (!good) return 1;
    printf("ok log1p: worst error %.4f ULP\n", worst);
    return 0;
}

#endif
