/* What the entropy of a softmax is made of, and how it changes with the temperature. */
#ifndef SD_MOMENTS_H
#define SD_MOMENTS_H

#include "../arith/log1p.h"
#include "../arith/sums.h"

/* Sums over all x below the maximum, with d = (max - x) / T. No term is negative, and the maximum's own
 * exponential, which is exactly 1, is not among them. So nothing cancels, and beside a dominant entry
 * nothing is lost. */
typedef struct {
    double ties;          /* how many x are the maximum; NaN for a row with NaN, +inf or -inf alone */
    double others, below; /* others + below: the sum of e^-d */
    double first, second; /* the sums of d e^-d and, in float64 only, d^2 e^-d */
} sd_moments;

/* log(ties + others) + first / (ties + others) */
static inline double sd_entropy(const sd_moments *m) {
    const sd_sum excess = sd_two_sum(m->ties - 1, m->others);
    return sd_log1p(excess.high) + (m->first + (excess.low + m->below)) / (1 + excess.high);
}

#endif
