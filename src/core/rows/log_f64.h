/* The arithmetic of log_softmax.h for float64: log_f32.h, with the same functions. */

/* Returns logsumexp, which is max / T + log(1 + excess). What the roundings of the two terms and of their
 * sum lose is added, because the result may lie a binade above both terms, where half a unit in its last
 * place is a whole one in theirs. */
SD_INLINE double compute_logsumexp(double max, double t, sd_sum excess) {
    const double quotient = max / t;
    if (!(quotient <= DBL_MAX && quotient >= -DBL_MAX)) return quotient;
    const f64x8 left = f64_fma(f64_set1(-quotient), f64_set1(t), f64_set1(max));
    const sd_sum sum = sd_two_sum(quotient, sd_log1p(excess.high));
    const double low = (t <= DBL_MAX ? f64_first(left) / t : 0) + excess.low / (1 + excess.high);
    return sum.high + (sum.low + low) + 0; /* -0 becomes +0 */
}

/* What computes logarithms of probabilities, ((x s1 + shift) s2) inverse - log_sum. shift is -max s1, and
 * inverse is 1 / (T s1 s2). The power of two s1 keeps x - max from overflowing, and s2 the inverse of a
 * subnormal T. Difference and inverse are off by half a unit in the last place each, the result by at most
 * 2.5. */
typedef struct { double s1, s2, shift, inverse, log_sum; } log_writer_t;

SD_INLINE log_writer_t make_log_writer(double t, double max, double log_sum) {
    log_writer_t r = {1, 1, 0, 0, log_sum};
    if (t > 0x1p1000) r.s1 = 0x1p-60;
    else if (max > 0x1p969 || max < -0x1p969) r.s1 = 0x1p-2;
    if (t < 0x1p-960) r.s2 = 0x1p60;
    r.shift = -max * r.s1;
    r.inverse = 1.0 / (t * r.s2 * r.s1);
    return r;
}

SD_INLINE f64x8 write_log(const log_writer_t *w, f64x8 x) {
    const f64x8 difference = f64_fma(x, f64_set1(w->s1), f64_set1(w->shift));
    const f64x8 y =
        f64_fms(f64_mul(difference, f64_set1(w->s2)), f64_set1(w->inverse), f64_set1(w->log_sum));
    return f64_add(y, f64_set1(0)); /* -0 becomes +0 */
}
