/* The natural logarithm of 1 + w for w >= 0, with the same bits everywhere.
 *
 * log1p of the C library differs from one library to the next. This one uses only + - * on IEEE doubles,
 * each rounded to nearest, and integer operations, and so has one result. compiler.h, which bits.h
 * includes, turns contraction off: a fused multiply-add would give another result. */
#ifndef SD_LOG1P_H
#define SD_LOG1P_H
#include "bits.h"
#include "sums.h"

#include "exp2_constants.h"
#include "log1p_constants.h"

static const double sd_log1p_reciprocal[] = SD_LOG1P_RECIPROCAL;
static const double sd_log1p_table_hi[] = SD_LOG1P_TABLE_HI;
static const double sd_log1p_table_lo[] = SD_LOG1P_TABLE_LO;

/* log(1 + w) within 0.51 ULP for finite w >= 0, and w itself where w < 2^-53. For any other w, which a row
 * may lead to if another thread changes it meanwhile, the result is unspecified.
 *
 * Let 1 + w = 2^k * m with m in [1, 2). A table has c, a number of few bits near 1 / m, and log c. Then
 * r = m * c - 1 is small, and exact but for its last rounding, and
 * log(1 + w) = k * ln 2 - log c + log(1 + r),
 * where no two terms cancel (P.T.P. Tang, "Table-driven implementation of the logarithm function in IEEE
 * floating-point arithmetic", ACM TOMS 1990). */
static inline double sd_log1p(double w) {
    const uint64_t fraction = 0xfffffffffffff;

    /* 1 + w is exactly sum + rest. */
    const sd_sum exact = sd_two_sum(1.0, w);
    double sum = exact.high, rest = exact.low;
    uint64_t bits = sd_f64_bits(sum);
    uint64_t exponent = bits >> 52;
    double k = (double)((int)exponent - 1023);
    /* 2^-k, or 0 if k = 1023, where rest is far below the last bit */
    double scale = sd_f64_of_bits((2046 - exponent) << 52);
    uint64_t index = ((bits & fraction) + (UINT64_C(1) << 45)) >> 46;
    /* m = m_hi + m_lo; both have so few bits that their products with c are exact. */
    uint64_t m_bits = (bits & fraction) | UINT64_C(0x3ff0000000000000);
    uint64_t m_hi_bits = m_bits & ~UINT64_C(0x1fffff);
    double m = sd_f64_of_bits(m_bits), m_hi = sd_f64_of_bits(m_hi_bits);
    double m_lo = m - m_hi;

    double c = sd_log1p_reciprocal[index];
    double coarse = m_hi * c - 1.0;
    double fine = m_lo * c + rest * scale * c;
    /* For small w, r is exactly w: coarse and fine are then two parts of w. */
    double r = coarse + fine;
    double r_rest = fine - (r - coarse);

    double log_hi = k * SD_LN2_HI + sd_log1p_table_hi[index];
    double log_lo = k * SD_LN2_LO + sd_log1p_table_lo[index];
    double hi = log_hi + r;
    double hi_rest = r - (hi - log_hi);
    double r2 = r * r;
    double p = (SD_LOG1P_C3 + r * SD_LOG1P_C4) +
               r2 * ((SD_LOG1P_C5 + r * SD_LOG1P_C6) + r2 * (SD_LOG1P_C7 + r * SD_LOG1P_C8));
    double lo = r * r2 * p - 0.5 * r2;
    return hi + (lo + (hi_rest + (r_rest + log_lo)));
}

#endif
