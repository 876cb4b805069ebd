/* sd_fma, sd_fmaf and sd_fmaf_4 against libm's fma and fmaf (which must be right: glibc's and any that use
 * the instruction are), on random cases bent towards where a fused multiply-add goes wrong. */
#include "compiler.h"

#include "arith/soft_fma.h"
#include "check.h"

/* low <= result <= high */
static int random_int(int low, int high) {
    return low + (int)(random_word() % (uint64_t)(high - low + 1));
}

/* The last digits bits of a number whose leading bit comes before them. */
static uint64_t random_fraction(int digits) {
    uint64_t all = (UINT64_C(1) << digits) - 1, word = random_word();
    switch (random_int(0, 4)) {
    case 0: return word & ~(all >> random_int(0, digits)) & all;   /* few bits: exact, ties */
    case 1: return random_word() & 3;                              /* next after a power of 2 */
    case 2: return all - (random_word() & 3);                      /* just before one */
    case 3: return UINT64_C(1) << random_int(0, digits - 1);
    default: return word & all;
    }
}

/* +-2^exponent to 2^(exponent + 1), with that many fraction bits before ldexp rounds. */
static double random_number(int digits, int exponent) {
    double value = (double)(random_fraction(digits) | UINT64_C(1) << digits);
    return ldexp(random_word() & 1 ? -value : value, exponent - digits);
}

/* Exponents for a, b and c: of the product anywhere, about 1, at the lower or the upper end of
 * the format; of c close to the product's, or up to three precisions away. */
static void random_exponents(int digits, int lowest, int highest, int e[3]) {
    int product;
    switch (random_int(0, 3)) {
    case 0: product = random_int(2 * lowest, 2 * highest); break;
    case 1: product = random_int(-10, 10); break;
    case 2: product = random_int(lowest - 5, lowest + 3 * digits); break;
    default: product = random_int(highest - 3, highest + 1); break;
    }
    int first = product < 0 ? lowest : product - highest;
    int last = product < 0 ? product - lowest : highest;
    if (first < lowest) first = lowest;
    if (last > highest) last = highest;
    e[0] = random_int(first, last);
    e[1] = product - e[0];
    int reach = random_int(0, 1) ? 3 * digits : 2;
    e[2] = product + random_int(-reach, reach);
}

static void check_float(float a, float b, float c) {
    float result = sd_fmaf(a, b, c), expected = fmaf(a, b, c);
    if (float_bits(result) == float_bits(expected)) return;
    if (isnan(result) && isnan(expected)) return;
    FAIL("sd_fmaf(%a, %a, %a) = %a, not %a\n", a, b, c, result, expected);
}

/* Where sd_fmaf_4 says that nothing is unusual, it agrees with sd_fmaf. */
static void check_four(float a, float b, float c) {
#ifdef SD_FOUR_FMAS
    const float x[4] = {a, 1, 2, a}, y[4] = {b, 1, 2, b}, z[4] = {c, 1, 2, c};
    const float expected = sd_fmaf(a, b, c);
    float results[4];
    if (sd_fmaf_4(x, y, z, results)) return;
    CHECK(results[1] == 2 && results[2] == 6);
    if (float_bits(results[0]) == float_bits(expected) && float_bits(results[3]) == float_bits(expected)) return;
    if (isnan(results[0]) && isnan(results[3]) && isnan(expected)) return;
    FAIL("sd_fmaf_4(%a, %a, %a) = %a and %a, not %a\n", a, b, c, results[0], results[3], expected);
#else
    (void)a, (void)b, (void)c;
#endif
}

static void check_both_floats(float a, float b, float c) {
    check_float(a, b, c);
    check_four(a, b, c);
}

static void check_double(double a, double b, double c) {
    double expected = fma(a, b, c);
    /* The second is what the first resorts to for extreme exponents. */
    double results[2] = {sd_fma(a, b, c), sd_fma_exact(a, b, c)};
    for (int i = 0; i < 2; i++) {
        if (double_bits(results[i]) == double_bits(expected)) continue;
        if (isnan(results[i]) && isnan(expected)) continue;
        FAIL("%s(%a, %a, %a) = %a, not %a\n", i ? "sd_fma_exact" : "sd_fma", a, b, c, results[i],
             expected);
    }
}

/* Any bits; or a sum with an exponent near the product's; or one of what the rounding of the product left,
 * give or take. */
#define RANDOM_CASE(type, bits, digits, lowest, highest, next, check)                              \
    static void random_##type##_case(void) {                                                        \
        type x[3];                                                                                  \
        int e[3];                                                                                   \
        if (random_int(0, 15) == 0) {                                                               \
            const bits words[3] = {(bits)random_word(), (bits)random_word(), (bits)random_word()};  \
            memcpy(x, words, sizeof x);                                                             \
        } else {                                                                                    \
            random_exponents(digits, lowest, highest, e);                                           \
            for (int i = 0; i < 3; i++) x[i] = (type)random_number(digits, e[i]);                   \
            if (random_int(0, 3) == 0) {                                                            \
                x[2] = -(x[0] * x[1]);                                                              \
                for (int i = random_int(0, 3); i > 0; i--)                                          \
                    x[2] = next(x[2], random_word() & 1 ? x[0] : 0);                                \
            }                                                                                       \
        }                                                                                           \
        check(x[0], x[1], x[2]);                                                                    \
    }
RANDOM_CASE(float, uint32_t, 23, -149, 127, nextafterf, check_both_floats)
RANDOM_CASE(double, uint64_t, 52, -1074, 1023, nextafter, check_double)

/* Every triple of the values at which a format changes its rules. */
static void special_cases(void) {
    const float f[] = {0.0F, 0x1p-149F, 0x1.fffffcp-127F, 0x1p-126F, 0x1.000002p-126F, 0x1p-75F,
                       0x1p-64F, 0x1.fffffep-1F, 1.0F, 0x1.000002p0F, 3.0F, 0x1p63F,
                       0x1.fffffep127F, INFINITY, NAN};
    const double d[] = {0.0, 0x1p-1074, 0x1.ffffffffffffep-1023, 0x1p-1022,
                        0x1.0000000000001p-1022, 0x1p-537, 0x1p-512, 0x1p-450, 0x1p-451,
                        0x1.fffffffffffffp-1, 1.0, 0x1.0000000000001p0, 3.0, 0x1p449, 0x1p450,
                        0x1p511, 0x1p1000, 0x1.fffffffffffffp1023, INFINITY, NAN};
    const int floats = sizeof f / sizeof *f, doubles = sizeof d / sizeof *d;
    for (int signs = 0; signs < 8; signs++) {
        float a = signs & 1 ? -1.0F : 1.0F, b = signs & 2 ? -1.0F : 1.0F;
        float c = signs & 4 ? -1.0F : 1.0F;
        for (int i = 0; i < floats * floats * floats; i++) {
            check_both_floats(a * f[i % floats], b * f[i / floats % floats],
                              c * f[i / floats / floats]);
        }
        for (int i = 0; i < doubles * doubles * doubles; i++) {
            check_double(a * d[i % doubles], b * d[i / doubles % doubles], c * d[i / doubles / doubles]);
        }
    }
}

int main(void) {
    volatile double tiny = 0x1p-1000, large = 0x1p1000;
    require_tier();
    /* musl's loses the sign of a product that underflows, mingw-w64's takes one that overflows for infinity */
    if (!signbit(fma(-tiny, tiny, 0.0)) || fma(large, large, -INFINITY) != -INFINITY)
        skip("the C library's fma, the reference, is wrong");
    special_cases();
    for (int i = 0; i < 2000000; i++) {
        random_float_case();
        random_double_case();
    }
    return finish();
}
