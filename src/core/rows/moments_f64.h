/* The sums of moments.h over a float64 row, for entropy.h, in pairs of doubles (a sum and its rest). To keep
 * max - x from overflowing, everything is scaled by two powers of two, s1 and s2, with which t = T s1 s2 is
 * at least 1 and below 2. So d is (max - x) s1 s2 here, computed as ((-s1) x + shift) s2 with shift = s1 max;
 * `first`, the sum of d times its weight, is divided by t in the end. */
typedef struct {
    f64x8 others, others_rest, first, first_rest, second;
    f64x8 minus_s1, shift, s2, lowest;
    double t;
} moment_sums_t;

SD_INLINE moment_sums_t make_moment_sums(double t, double max) {
    const f64x8 zero = f64_set1(0);
    moment_sums_t m = {zero, zero, zero, zero, zero, zero, zero, zero, zero, 0};
    /* A large T needs s1, or max - x may overflow. A subnormal one needs it because s2 does not reach far
     * enough; if the maximum is then so large that s1 could overflow, no other x has a weight. */
    const int is_tiny = t < DBL_MIN && fabs(max) < 0x1p900;
    const double s1 = t > 0x1p500 ? 0x1p-600 : is_tiny ? 0x1p60 : 1, scaled = t * s1;
    const double lowest = max - scaled * (CLAMP_BITS / SD_LOG2E_HI) / s1;
    const double s2 = sd_f64_of_bits((2046 - (sd_f64_bits(scaled) >> 52)) << 52);
    m.minus_s1 = f64_set1(-s1);
    m.shift = f64_set1(max * s1);
    m.s2 = f64_set1(s2);
    m.lowest = f64_set1(lowest >= -DBL_MAX ? lowest : -DBL_MAX);
    m.t = scaled * s2;
    return m;
}

/* Adds a pack: x, and its exponentials s (1 + q) of exp2_f64.h. Below m->lowest the exponential is clamped,
 * and d, which may be infinite, is taken as 0. */
SD_INLINE void add_moments(moment_sums_t *m, f64x8 x, f64x8 s, f64x8 q) {
    const f64x8 difference = f64_mul(f64_fma(x, m->minus_s1, m->shift), m->s2);
    const f64x8 d = f64_where_ge(x, m->lowest, difference, f64_set1(0));
    const f64x8 e = f64_fma(s, q, s), rest = f64_fma(s, q, f64_sub(s, e));
    const f64x8 product = f64_fma(s, d, f64_mul(s, f64_mul(q, d)));
    f64_two_sum_into(&m->others, &m->others_rest, e);
    m->others_rest = f64_add(m->others_rest, rest);
    f64_two_sum_into(&m->first, &m->first_rest, product);
    m->second = f64_fma(product, d, m->second);
}

SD_INLINE sd_moments total_moments(const moment_sums_t *m, double ties, sd_sum max) {
    const sd_sum others = divide_sums(total_pairs(m->others, m->others_rest), max);
    const sd_sum first = divide_sums(total_pairs(m->first, m->first_rest), max);
    const double second = f64_reduce_add(m->second) * UNSCALE / max.high;
    const sd_sum t = {m->t, 0}, mean = divide_sums(first, t);
    const sd_moments r = {ties, others.high, others.low, mean.high, mean.low, second / m->t / m->t};
    return r;
}
