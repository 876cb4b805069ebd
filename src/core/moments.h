/* What the entropy of a softmax is made of, and how it changes with the temperature. */
#ifndef SD_MOMENTS_H
#define SD_MOMENTS_H

#include "log1p.h"

/* With d = (max - x) / T, sums over all x below the maximum: none of their terms is negative, and the
 * maximum's own exponential, exactly 1, is not in them. So nothing cancels, and beside a dominant entry
 * nothing is lost. */
typedef struct {
    double ties;          /* how many x are the maximum; NaN for a row with NaN, +inf or -inf alone */
    double others, below; /* others + below: the sum of e^-d */
    double first, second; /* the sums of d e^-d and, in float64 only, d^2 e^-d */
} sd_moments;

/* log(ties + others) + first / (ties + others) */
static inline double sd_entropy(const sd_moments *m) {
    const double tied = m->ties - 1, excess = tied + m->others, part = excess - tied;
    const double lost = (tied - (excess - part)) + (m->others - part); /* Knuth's TwoSum */
    return sd_log1p(excess) + (m->first + (lost + m->below)) / (1 + excess);
}

#endif
