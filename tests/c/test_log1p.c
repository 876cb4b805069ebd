/* sd_log1p against long double log1pl: worst error in ULP over every range of w. */
#include "compiler.h"

#include "arith/log1p.h"
#include "check.h"

#if LDBL_MANT_DIG < 64

int main(void) {
    skip("long double is no wider than double");
}

#else

static const double allowed_ulp = 0.51;

static double worst;

static void check(double w) {
    long double exact = log1pl((long double)w);
    int exponent;
    frexpl(exact, &exponent);
    /* The spacing of doubles around the exact result. */
    long double ulp = ldexpl(1.0L, exponent > -1021 ? exponent - 53 : -1074);
    double result = sd_log1p(w);
    double error = (double)(fabsl(result - exact) / ulp);
    if (error > worst) worst = error;
    if (!(error <= allowed_ulp)) FAIL("log1p(%a) = %a is %.4f ULP from %.20Lg\n", w, result, error, exact);
}

static void check_around(double w) {
    double below = w, above = w;
    check(w);
    for (int i = 0; i < 200; i++) {
        below = nextafter(below, 0.0);
        above = nextafter(above, INFINITY);
        check(below);
        check(above);
    }
}

int main(void) {
    volatile double w = 0.7;
    require_tier();
    if (log1pl((long double)w) == (long double)log1p(w)) skip("the C library's log1pl is its log1p");
    CHECK(double_bits(sd_log1p(0.0)) == 0);
    for (int i = -1074; i < -53; i++) {
        double w = ldexp(1.0 + uniform(), i);
        CHECK(sd_log1p(w) == w);
    }
    for (int i = 0; i < 3000000; i++) check(uniform());
    for (int i = 0; i < 2000000; i++) check(ldexp(1.0 + uniform(), (int)(random_word() % 120) - 60));
    for (int i = 0; i < 500000; i++) check(ldexp(1.0 + uniform(), (int)(random_word() % 2098) - 1074));
    /* Where the table changes bucket, and where the exponent of 1 + w changes. */
    for (int j = 1; j <= 512; j++) check_around(j / 128.0);
    for (int i = -60; i < 1024; i++) check_around(ldexp(1.0, i));
    check(DBL_MAX);
    printf("worst error %.4f ULP\n", worst);
    return finish();
}

#endif
