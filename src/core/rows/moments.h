/* The sums from which the entropy of a softmax is computed, and how it changes with the temperature T.
 * entropy.h finds them; temperature_for.c, which is not compiled for a tier, gets them from kernels.h. */
#ifndef SD_MOMENTS_H
#define SD_MOMENTS_H

#include "../arith/log1p.h"
#include "../arith/mul_error.h"
#include "../arith/sums.h"

/* Sums over all x below the maximum, with d = (max - x) / T. No term is negative, and the exponential of
 * the maximum itself, which is exactly 1, is left out. So nothing cancels, and nothing is lost if one entry
 * is much larger than all others. */
typedef struct {
    double ties; /* how many x are the maximum; NaN for a row with NaN or +inf, or of -inf alone */
    double others, others_low; /* others + others_low is the sum of e^-d */
    double first, first_low;   /* their sum is that of d e^-d */
    double second;             /* the sum of d^2 e^-d, in float64 only */
} sd_moments;

/* Returns the entropy in nats, log(ties + others) + first / (ties + others). */
static inline double sd_entropy(const sd_moments *m) {
    const sd_sum excess = sd_two_sum(m->ties - 1, m->others), sum = sd_two_sum(1, excess.high);
    const double low = excess.low + m->others_low;
    const sd_sum above = sd_two_sum(m->first, m->first_low + low);
    const double mean = above.high / sum.high, product = mean * sum.high;
    const double left = (above.high - product - sd_mul_error(mean, sum.high, product)) + (above.low - mean * (sum.low + low));
    const sd_sum total = sd_two_sum(sd_log1p(excess.high), mean);
    return total.high + (total.low + left / sum.high);
}

#endif
