/* Fused multiply-add without the instruction, for the scalar tier: a * b + c rounded once.
 *
 * fma of the C library costs a call, is slow without the instruction, and has been wrong in some libraries.
 * sd_fma and sd_fmaf are correct for all inputs, as IEEE 754 says for rounding to nearest; which NaN they
 * return is unspecified. They rely on contraction being off (compiler.h). */
#ifndef SD_SOFT_FMA_H
#define SD_SOFT_FMA_H
#include "bits.h"
#include "mul_error.h"
#include "sums.h"

/* The exact value sum + error rounded to odd, where sum is that value rounded to nearest. An inexact result
 * has 1 as its last bit, so that a second rounding, to fewer bits, is right also where sum itself would be
 * a tie (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
 * rounding to odd", IEEE TC 2008). */
static inline double sd_round_to_odd(double sum, double error) {
    uint64_t bits = sd_f64_bits(sum);
    uint64_t inward = (bits ^ sd_f64_bits(error)) >> 63;
    uint64_t step = (uint64_t)(error != 0.0) & ~bits;
    return sd_f64_of_bits(bits + (step & 1) - 2 * (step & inward));
}

/* The product of two floats is exact in double. The sum is rounded twice, to 53 bits and then to 24, which
 * gives a wrong result only where the first rounding ends at a tie of the second. */
static inline float sd_fmaf(float a, float b, float c) {
    double product = (double)a * (double)b;
    double sum = product + (double)c;
    uint64_t bits = sd_f64_bits(sum);
    /* A float keeps all but the last 29 bits; below 2^-126 it keeps fewer, and ties lie elsewhere. */
    int tie = (bits & 0x1fffffff) == 0x10000000;
    int subnormal = (bits << 1) < ((uint64_t)(1023 - 126) << 53);
    if (tie | subnormal) {
        sum = sd_round_to_odd(sum, sd_two_sum(product, (double)c).low);
    }
    return (float)sum;
}

/* Four at once, on processors of x86. Returns 0, or else whether one may be rounded wrongly: in the words of
 * sd_fmaf, if it is a tie or, once rounded, not above the smallest normal number. */
#if SD_X86 && (defined(__SSE2__) || defined(_M_X64))
#include <emmintrin.h>
#define SD_FOUR_FMAS
static inline int sd_fmaf_4(const float *a, const float *b, const float *c, float *out) {
    const __m128 x = _mm_loadu_ps(a), y = _mm_loadu_ps(b), z = _mm_loadu_ps(c);
    const __m128d product = _mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y));
    const __m128d upper_product =
        _mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(x, x)), _mm_cvtps_pd(_mm_movehl_ps(y, y)));
    const __m128d sum = _mm_add_pd(product, _mm_cvtps_pd(z));
    const __m128d upper_sum = _mm_add_pd(upper_product, _mm_cvtps_pd(_mm_movehl_ps(z, z)));
    const __m128 r = _mm_movelh_ps(_mm_cvtpd_ps(sum), _mm_cvtpd_ps(upper_sum));
    const __m128 low_words = _mm_shuffle_ps(_mm_castpd_ps(sum), _mm_castpd_ps(upper_sum), 0x88);
    const __m128i shifted = _mm_slli_epi32(_mm_castps_si128(low_words), 3);
    const __m128i tie = _mm_cmpeq_epi32(shifted, _mm_set1_epi32(INT32_MIN));
    const __m128i size = _mm_and_si128(_mm_castps_si128(r), _mm_set1_epi32(INT32_MAX));
    const __m128i small = _mm_cmplt_epi32(size, _mm_set1_epi32(0x00800001));
    _mm_storeu_ps(out, r);
    return _mm_movemask_epi8(_mm_or_si128(tie, small));
}
#endif

/* The number (high * 2^64 + low) * 2^exponent. */
typedef struct {
    uint64_t high, low;
    int exponent;
} sd_wide;

static inline sd_wide sd_wide_shift_left(sd_wide x, int n) {
    if (n >= 64) {
        x.high = x.low << (n - 64);
        x.low = 0;
    } else if (n > 0) {
        x.high = x.high << n | x.low >> (64 - n);
        x.low <<= n;
    }
    x.exponent -= n;
    return x;
}

/* n >= 0. If any bit shifted out on the right is 1, the last bit is set ("sticky"). */
static inline sd_wide sd_wide_shift_right(sd_wide x, int n) {
    uint64_t lost = 0;
    x.exponent += n;
    if (n >= 64) {
        lost = x.low;
        x.low = x.high;
        x.high = 0;
        n -= 64;
    }
    if (n >= 64) {
        lost |= x.low;
        x.low = 0;
    } else if (n > 0) {
        lost |= x.low << (64 - n);
        x.low = x.high << (64 - n) | x.low >> n;
        x.high >>= n;
    }
    x.low |= lost != 0;
    return x;
}

/* The same value with its highest 1 at bit 127; zero stays zero. */
static inline sd_wide sd_wide_normalize(sd_wide x) {
    int shift = 0;
    uint64_t top = x.high;
    if (top == 0) {
        top = x.low;
        shift = 64;
    }
    for (int step = 32; step > 0; step /= 2) {
        if (top >> (64 - step) == 0) {
            top <<= step;
            shift += step;
        }
    }
    return sd_wide_shift_left(x, shift);
}

/* |x| for finite x, with an integer below 2^53 in low. */
static inline sd_wide sd_wide_of_double(double x) {
    uint64_t bits = sd_f64_bits(x) & UINT64_C(0x7fffffffffffffff);
    int exponent = (int)(bits >> 52);
    uint64_t fraction = bits & UINT64_C(0xfffffffffffff);
    if (exponent == 0) {
        exponent = 1;
    } else {
        fraction |= UINT64_C(1) << 52;
    }
    sd_wide wide = {0, fraction, exponent - 1075};
    return wide;
}

/* The product, which is exact; the high parts of a and b must be 0. */
static inline sd_wide sd_wide_multiply(sd_wide a, sd_wide b) {
    uint64_t a_high = a.low >> 32, a_low = a.low & 0xffffffff;
    uint64_t b_high = b.low >> 32, b_low = b.low & 0xffffffff;
    uint64_t low = a_low * b_low;
    uint64_t middle = a_high * b_low + (low >> 32);
    uint64_t other = a_low * b_high + (middle & 0xffffffff);
    sd_wide product = {a_high * b_high + (middle >> 32) + (other >> 32), other << 32 | (low & 0xffffffff),
                       a.exponent + b.exponent};
    return product;
}

/* The double nearest to x, or to -x if negative is 1; x must be normalized. */
static inline double sd_wide_round(sd_wide x, int negative) {
    int biased = x.exponent + 127 + 1023; /* the exponent bits of the result, before rounding */
    uint64_t sign = (uint64_t)negative << 63;
    if (biased > 2046) return sd_f64_of_bits(sign | UINT64_C(0x7ff0000000000000));
    int narrow = biased < 1 ? 1 - biased : 0; /* how many bits fewer a subnormal result has */
    if (narrow > 0) biased = 1;
    x = sd_wide_shift_right(x, narrow > 127 ? 127 : narrow);
    uint64_t rest = (x.high & 0x7ff) << 1 | (x.low != 0);
    uint64_t kept = x.high >> 11;
    kept += rest > 0x800 || (rest == 0x800 && (kept & 1));
    /* Bit 52 of kept, which a normal result has, adds the 1 that was subtracted from the exponent; a carry
     * out of the fraction adds 1 as well, which may give infinity. */
    return sd_f64_of_bits(sign | (((uint64_t)(biased - 1) << 52) + kept));
}

/* a * b + c rounded once for all inputs, in integers of 128 bits. */
SD_NOINLINE static double sd_fma_exact(double a, double b, double c) {
    const uint64_t infinity = UINT64_C(0x7ff) << 53;
    uint64_t a_bits = sd_f64_bits(a), b_bits = sd_f64_bits(b), c_bits = sd_f64_bits(c);
    int finite = a_bits << 1 < infinity && b_bits << 1 < infinity;
    /* The product is 0, infinite or NaN here, so that at most the sum is rounded. */
    if (!finite || a == 0.0 || b == 0.0) return a * b + c;
    if (c_bits << 1 >= infinity) return c + c; /* quiet if c is NaN */

    int negative = (int)((a_bits ^ b_bits) >> 63), c_negative = (int)(c_bits >> 63);
    sd_wide product = sd_wide_multiply(sd_wide_of_double(a), sd_wide_of_double(b));
    sd_wide x = sd_wide_normalize(product);
    sd_wide y = sd_wide_normalize(sd_wide_of_double(c));
    int subtract = negative != c_negative;
    if (y.exponent > x.exponent) {
        sd_wide swap = x;
        x = y;
        y = swap;
        negative = c_negative;
    }
    /* Shift one bit more for the carry. Both have at least 21 zeros at the right, so that a sticky bit
     * appears only if y is far smaller than x, and then stays well below the last bit of the result. */
    int apart = x.exponent - y.exponent;
    x = sd_wide_shift_right(x, 1);
    y = sd_wide_shift_right(y, (apart > 126 ? 126 : apart) + 1);
    if (subtract) {
        if (x.high < y.high || (x.high == y.high && x.low < y.low)) {
            sd_wide swap = x;
            x = y;
            y = swap;
            negative = !negative;
        }
        x.high -= y.high + (x.low < y.low);
        x.low -= y.low;
        if ((x.high | x.low) == 0) return 0.0;
    } else {
        x.low += y.low;
        x.high += y.high + (x.low < y.low);
    }
    return sd_wide_round(sd_wide_normalize(x), negative);
}

/* a * b is exactly a rounded product and its error (Dekker); product + c is exactly a rounded sum and its
 * error (Knuth). If neither error is 0, both errors are at most about a unit in the last place of the sum,
 * so that their own sum, rounded to odd, hides no tie. Exponents for which these would overflow or lose
 * bits, zeros, infinities and NaNs are left to integers. */
static inline double sd_fma(double a, double b, double c) {
    uint64_t a_exponent = sd_f64_bits(a) << 1 >> 53;
    uint64_t b_exponent = sd_f64_bits(b) << 1 >> 53;
    uint64_t c_exponent = sd_f64_bits(c) << 1 >> 53;
    /* 2^-1022 <= |a|, |b| < 2^990, 2^-900 <= |a * b| < 2^902, |c| < 2^990 */
    if (a_exponent - 1 >= 2012 || b_exponent - 1 >= 2012 || c_exponent > 2012 ||
        a_exponent + b_exponent - (2046 - 900) > 1800) {
        return sd_fma_exact(a, b, c);
    }
    double product = a * b;
    sd_sum sum = sd_two_sum(product, c);
    sd_sum rest = sd_two_sum(sd_mul_error(a, b, product), sum.low);
    return sum.high + sd_round_to_odd(rest.high, rest.low);
}

#endif
