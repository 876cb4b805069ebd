/* The float64 exponential 2^(x c): exp2_f32.h, which explains the symbols and functions, for float64.
 *
 * What differs: x c is rounded to quarters, because AVX2 can look up no more than 4 doubles; the 4 entries
 * of the table are exact to 2^-61; the polynomial has degree 8, for |f| <= 1/8; c and sums are pairs of
 * doubles; and f is on a grid of 2^-54. */

SD_INLINE temperature_t make_plain_temperature(double t) {
    temperature_t r = {0, t * (CLAMP_BITS / SD_LOG2E_HI), 0, 0, 1, 1, 0};
    r.c = r.c_hi = SD_LOG2E_HI / t * (1 - 0x1p-53); /* never above c */
    const f64x8 rest = f64_fma(f64_set1(-r.c_hi), f64_set1(t), f64_set1(SD_LOG2E_HI));
    r.c_lo = (f64_first(rest) + SD_LOG2E_LO) / t;
    return r;
}

/* Returns 1 / (high + low), except for the last bits of its low part. */
SD_INLINE inverse_t invert_pair(f64x8 high, f64x8 low) {
    const f64x8 one = f64_set1(1), inverse = f64_div(one, high), product = f64_mul(high, inverse);
    const f64x8 left =
        f64_sub(f64_sub(one, product), f64_fma(low, inverse, f64_fms(high, inverse, product)));
    const inverse_t r = {inverse, f64_mul(left, inverse)};
    return r;
}

SD_INLINE inverse_t make_inverse(sd_sum sum) { return invert_pair(f64_set1(sum.high), f64_set1(sum.low)); }

typedef struct { double c1, c2, c3, c4, c5, c6, c7, c8, rest; } division_t;

SD_INLINE division_t make_division(reduction_t *r, sd_sum sum, const int power) {
    static const double roots[5] = SD_EXP2_ROOTS, low_roots[5] = SD_EXP2_LOW_ROOTS;
    const inverse_t inverse = make_inverse(sum);
    int exponent, j = 0;
    const double m = sd_mantissa(f64_first(inverse.high), &exponent);
    for (int i = 0; i < 4; i++) j += m * roots[i] > SD_EXP2_HALF_STEP;
    r->rounder += exponent + power + 0.25 * j;
    const f64x8 root = f64_set1(roots[j]), high = f64_set1(m);
    const f64x8 low = f64_mul(inverse.low, f64_set1(sd_power_of_2(-exponent)));
    const f64x8 rest =
        f64_fma(low, root, f64_fma(high, f64_set1(low_roots[j]), f64_fms(high, root, f64_set1(1))));
    const double factor = m * roots[j];
    const division_t division = {
        (SD_EXP2_C1 - TILT) * factor, SD_EXP2_C2 * factor, SD_EXP2_C3 * factor, SD_EXP2_C4 * factor,
        SD_EXP2_C5 * factor,          SD_EXP2_C6 * factor, SD_EXP2_C7 * factor, SD_EXP2_C8 * factor,
        f64_first(rest)};
    return division;
}

SD_BODY void compute_lane_exponentials(const lane_reductions_t *l, const reduction_t *r,
                                       const division_t *division, const int group, const f64x8 *x,
                                       const int range_mode, const int on_grid, f64x8 *s, f64x8 *q) {
    static const uint64_t table_bits[8] = SD_EXP2_TABLE;
    const f64_table table = f64_table_from(f64_from_bits(u64_load(table_bits)));
    f64x8 k[MAX_GROUP], f[MAX_GROUP];
    reduce_packs(l, r, group, x, range_mode, on_grid, k, f, NULL);
    FOR_EACH_PACK q[u] =
        f64_fma(f64_set1(division ? division->c8 : SD_EXP2_C8), f[u],
                f64_set1(division ? division->c7 : SD_EXP2_C7));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c6 : SD_EXP2_C6));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c5 : SD_EXP2_C5));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c4 : SD_EXP2_C4));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c3 : SD_EXP2_C3));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c2 : SD_EXP2_C2));
    FOR_EACH_PACK q[u] = f64_fma(q[u], f[u], f64_set1(division ? division->c1 : SD_EXP2_C1));
    FOR_EACH_PACK q[u] = division ? f64_fma(q[u], f[u], f64_set1(division->rest)) : f64_mul(q[u], f[u]);
    FOR_EACH_PACK { /* last, and pack by pack, because there are too few registers */
        s[u] = f64_lookup(table, f64_bits(k[u]));
        s[u] = f64_from_bits(u64_add(f64_bits(s[u]), u64_shl(f64_bits(k[u]), 50)));
    }
}

SD_BODY void compute_short_exponentials(const lane_reductions_t *l, const reduction_t *r,
                                        const division_t *division, const int group, const f64x8 *x,
                                        const int range_mode, const int on_grid, f64x8 *s, f64x8 *q, f64x8 *of_sum) {
    compute_lane_exponentials(l, r, division, group, x, range_mode, on_grid, s, q);
    FOR_EACH_PACK of_sum[u] = q[u];
}
