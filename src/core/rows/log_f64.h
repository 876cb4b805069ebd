/* The arithmetic of log_softmax.h for float64: log_f32.h, with the same functions. */

/* Returns logsumexp, which is max / T + log(1 + excess). What the roundings of the two terms and of their
 * sum lose is added, because the result may lie a binade above both terms, where half a unit in its last
 * place is a whole one in theirs. */
SD_INLINE double compute_logsumexp(double max, double t, sd_sum excess, double log_sum) {
    const double quotient = max / t;
    if (!(quotient <= DBL_MAX && quotient >= -DBL_MAX)) return quotient;
    const f64x8 left = f64_fma(f64_set1(-quotient), f64_set1(t), f64_set1(max));
    const sd_sum sum = sd_two_sum(quotient, log_sum);
    const double low = (t <= DBL_MAX ? f64_first(left) / t : 0) + excess.low / (1 + excess.high);
    return sum.high + (sum.low + low) + 0; /* -0 becomes +0 */
}

/* sd_sum_add of eight numbers. */
SD_INLINE pairs_t add_pairs(pairs_t a, pairs_t b) {
    const pairs_t sum = two_sum_of_lanes(a.high, b.high);
    return two_sum_of_lanes(sum.high, f64_add(sum.low, f64_add(a.low, b.low)));
}

/* log_f32.h says what this finds. */
SD_INLINE void find_excesses(const f64x8 *sum, const f64x8 *rest, f64x8 maxima, f64x8 s, f64x8 q, f64x8 *high,
                             f64x8 *low) {
    const f64x8 unscale = f64_set1(UNSCALE);
    pairs_t lane[8];
    for (int i = 0; i < 8; i++) lane[i] = two_sum_of_lanes(sum[i], rest[i]);
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = add_pairs(lane[i], lane[i + half]);
    const f64x8 total = f64_mul(lane[0].high, unscale), total_rest = f64_mul(lane[0].low, unscale);
    const f64x8 max = f64_fma(s, q, s), max_rest = f64_fma(s, q, f64_sub(s, max));
    const inverse_t inverse = invert_pair(f64_mul(max, unscale), f64_mul(max_rest, unscale));
    const pairs_t product = multiply_lanes(total, total_rest, inverse);
    const pairs_t others = {f64_add(maxima, f64_set1(-1)), f64_set1(0)}, excess = add_pairs(others, product);
    *high = excess.high;
    *low = excess.low;
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

/* The same for eight rows side by side. */
typedef struct { f64x8 s1, s2, shift, inverse, log_sum; } log_writers_t;

SD_INLINE log_writers_t make_log_writers(const double *t, const double *max, const double *log_sum) {
    double s1[8], s2[8], shift[8], inverse[8];
    for (int i = 0; i < 8; i++) {
        const log_writer_t w = make_log_writer(t[i], max[i], log_sum[i]);
        s1[i] = w.s1;
        s2[i] = w.s2;
        shift[i] = w.shift;
        inverse[i] = w.inverse;
    }
    const log_writers_t r = {f64_load(s1), f64_load(s2), f64_load(shift), f64_load(inverse), f64_load(log_sum)};
    return r;
}

SD_INLINE f64x8 write_logs(const log_writers_t *w, f64x8 x) {
    const f64x8 difference = f64_fma(x, w->s1, w->shift);
    const f64x8 y = f64_fms(f64_mul(difference, w->s2), w->inverse, w->log_sum);
    return f64_add(y, f64_set1(0)); /* -0 becomes +0 */
}

SD_INLINE f64x8 write_log(const log_writer_t *w, f64x8 x) {
    const log_writers_t same = {f64_set1(w->s1), f64_set1(w->s2), f64_set1(w->shift), f64_set1(w->inverse),
                                f64_set1(w->log_sum)};
    return write_logs(&same, x);
}
