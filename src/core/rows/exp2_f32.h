/* The float32 exponential e^(x / T) = 2^(x c) of an element x at the temperature T, which all kernels on
 * rows use. It is reduced to base 2 without subtracting the maximum of the row.
 *
 * With c = log2(e) / T = c_hi + c_lo, adding x c_hi to a number so large that its last bit is worth 1/8
 * rounds it to k/8, where k = 8 i + j with j from 0 to 7, and leaves k in the low bits of the sum. What
 * that rounding took away comes back by fma: f = (x c_hi - k/8) + x c_lo, |f| <= 1/16 (reduce_packs, in
 * reduction.h). Then 2^(x c) = s (1 + q), where s = 2^i 2^(j/8), and q is a polynomial in f, near 2^f - 1:
 * 2^(j/8) comes from a table, and i goes into the exponent by integer arithmetic. The power of two nearest
 * to the exponential of the row's maximum is divided out without an operation: the large number is smaller
 * by as many steps, and so is k.
 *
 * So nothing is lost at large offsets, where rounding x - max loses digits. The table holds not 2^(j/8) but
 * g 2^(j/8), with a factor g for which all eight entries are floats to within 2^-28 of themselves: no low
 * parts are needed, and g cancels in the division by the sum.
 *
 * The order is kept: a larger input never has a smaller result. Because c_hi <= c, c_lo is not negative, and
 * f never falls where x rises and k stays the same. f lies on a grid of 2^-26, whose steps are larger than
 * the error of the polynomial, so q does not fall either. Where k changes, f jumps from 1/16 to -1/16. There
 * the polynomial is tilted, a little low at 1/16 and a little high at -1/16, so that its error makes no step
 * down. */

SD_INLINE temperature_t make_plain_temperature(double t) {
    temperature_t r = {SD_LOG2E_HI / t, t * (CLAMP_BITS / SD_LOG2E_HI), 0, 0, 1, 1, 0};
    r.c_hi = (float)(r.c * (1 - 0x1p-24)); /* never above c */
    r.c_lo = (float)(r.c - (double)r.c_hi);
    return r;
}

/* A division by the sum that costs nothing, as coefficients of the polynomial. 1 / sum = 2^(k/8) (1 +
 * rest), with |rest| < 0.045; k goes into the row's power of two, which need not be whole, and the rest
 * into the polynomial, where q becomes (1 + q) (1 + rest) - 1. This q is rounded as coarsely as one twice
 * as large, so that the tilt must be larger, too. */
typedef struct { float c1, c2, c3, c4, rest; } division_t;

/* Makes the division, and changes the row's reduction for it. Results are multiplied by 2^power as well. */
SD_INLINE division_t make_division(reduction_t *r, sd_sum sum, const int power) {
    static const double roots[9] = SD_EXP2F_ROOTS;
    int exponent, j = 0;
    const double m = sd_mantissa(1 / sum.high, &exponent);
    for (int i = 0; i < 8; i++) j += m * roots[i] > SD_EXP2F_HALF_STEP;
    r->rounder += (float)(exponent + power) + 0.125f * (float)j;
    const double factor = m * roots[j];
    const division_t division = {(float)((SD_EXP2F_C1 - TILT) * factor), (float)(SD_EXP2F_C2 * factor),
                           (float)(SD_EXP2F_C3 * factor), (float)(SD_EXP2F_C4 * factor),
                           (float)(factor - 1)};
    return division;
}

/* Computes the exponentials of `group` packs x as s (1 + q), relative to 2^power of the reduction, times g
 * SCALE, and divided by the sum if `division` is not NULL. on_grid says that they are results, which need f
 * on the grid and the tilt of the polynomial; sums do not, because they have no order to keep. r may be
 * NULL unless the range mode is SHIFT. */
SD_BODY void compute_lane_exponentials(const lane_reductions_t *l, const reduction_t *r,
                                       const division_t *division, const int group, const f32x16 *x,
                                       const int range_mode, const int on_grid, f32x16 *s, f32x16 *q) {
    static const uint32_t table_bits[16] = SD_EXP2F_TABLE;
    static const division_t results = {SD_EXP2F_C1, SD_EXP2F_C2, SD_EXP2F_C3, SD_EXP2F_C4, 0};
    static const division_t sums = {SD_EXP2F_SUM_C1, SD_EXP2F_SUM_C2, SD_EXP2F_SUM_C3, SD_EXP2F_SUM_C4, 0};
    const f32_table table = f32_table_from(f32_from_bits(i32_load(table_bits)));
    const division_t c = division ? *division : on_grid ? results : sums;
    f32x16 k[MAX_GROUP], f[MAX_GROUP];
    reduce_packs(l, r, group, x, range_mode, on_grid, k, f, NULL);
    FOR_EACH_PACK s[u] = f32_lookup(table, f32_bits(k[u]));
    FOR_EACH_PACK s[u] = f32_from_bits(i32_add(f32_bits(s[u]), i32_shl(f32_bits(k[u]), 20)));
    FOR_EACH_PACK q[u] = f32_fma(f32_set1(c.c4), f[u], f32_set1(c.c3));
    FOR_EACH_PACK q[u] = f32_fma(q[u], f[u], f32_set1(c.c2));
    FOR_EACH_PACK q[u] = f32_fma(q[u], f[u], f32_set1(c.c1));
    FOR_EACH_PACK q[u] = division ? f32_fma(q[u], f[u], f32_set1(division->rest)) : f32_mul(q[u], f[u]);
}

SD_BODY void compute_short_exponentials(const lane_reductions_t *l, const reduction_t *r,
                                       const division_t *division, const int group, const f32x16 *x,
                                       const int range_mode, const int on_grid, f32x16 *s, f32x16 *q,
                                        f32x16 *of_sum) {
    static const uint32_t table_bits[16] = SD_EXP2F_TABLE;
    static const division_t results = {SD_EXP2F_C1, SD_EXP2F_C2, SD_EXP2F_C3, SD_EXP2F_C4, 0};
    static const division_t sums = {SD_EXP2F_SUM_C1, SD_EXP2F_SUM_C2, SD_EXP2F_SUM_C3, SD_EXP2F_SUM_C4, 0};
    const f32_table table = f32_table_from(f32_from_bits(i32_load(table_bits)));
    const division_t c = division ? *division : on_grid ? results : sums;
    f32x16 k[MAX_GROUP], f[MAX_GROUP], raw[MAX_GROUP];
    reduce_packs(l, r, group, x, range_mode, on_grid, k, f, raw);
    FOR_EACH_PACK s[u] = f32_lookup(table, f32_bits(k[u]));
    FOR_EACH_PACK s[u] = f32_from_bits(i32_add(f32_bits(s[u]), i32_shl(f32_bits(k[u]), 20)));
    FOR_EACH_PACK q[u] = f32_fma(f32_set1(c.c4), f[u], f32_set1(c.c3));
    FOR_EACH_PACK q[u] = f32_fma(q[u], f[u], f32_set1(c.c2));
    FOR_EACH_PACK q[u] = f32_fma(q[u], f[u], f32_set1(c.c1));
    FOR_EACH_PACK q[u] = division ? f32_fma(q[u], f[u], f32_set1(division->rest)) : f32_mul(q[u], f[u]);
    FOR_EACH_PACK of_sum[u] = f32_fma(f[u], f32_set1(1e-7f), f32_fma(f32_sub(raw[u], f[u]), f32_set1(c.c1), q[u]));
}
