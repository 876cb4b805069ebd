/* The float64 exponential 2^(x c), as exp2_f32.h has it for float32, with quarters and a table of 4
 * (AVX2 looks up no more doubles) exact to 2^-61, a polynomial of degree 8 on |f| <= 1/8, c and sums as
 * pairs of doubles, and f on a grid of 2^-54. */

#define SD_REAL double
#define SD_PACK f64x8
#define SD_WIDTH 8
#define SD_LARGEST DBL_MAX
#define P(op) f64_##op
#define A(name) name##_f64

/* Times 2^600, cut off at 2^-1140 of the largest, the maximum subtracted above |max c| = 4096. */
#define SD_SCALE 0x1p600
#define SD_UNSCALE 0x1p-600
#define SD_SCALE_POWER 600
#define SD_NORMAL (-900)
#define SD_CUTOFF 1140.0
#define SD_OFFSET 4096.0
/* 1.5 * 2^50: adding it rounds to quarters, and its own bits shifted left by 50 vanish */
#define SD_QUARTERS 0x1.8p50
/* adding and subtracting it rounds |f| <= 1/8 to multiples of 2^-54 */
#define SD_GRID 0.375
#define SD_TILT 0x1p-53
/* adding and subtracting it rounds exponentials to multiples of 2^(600 - 44): 128 of them sum exactly */
#define SD_SPLIT 0x1.8p608
#define SD_BLOCK 1024
/* the longest row whose exponentials are stored */
#define SD_STORED (1 << 18)
/* a fifth of a unit in the last place of 1 */
#define SD_LOST 0x1.ap-55

typedef struct {
    double c_hi, c_lo, cutoff, s1, s2;
    int limit;
} temperature_f64;

#define SD_LEAST_PLAIN 0x1p-500
#define SD_MOST_PLAIN 0x1p500

SD_INLINE temperature_f64 temperature_plain_f64(double t) {
    temperature_f64 r = {0, 0, t * (SD_CUTOFF / SD_LOG2E_HI), 1, 1, 0};
    r.c_hi = SD_LOG2E_HI / t * (1 - 0x1p-53); /* never above c */
    const f64x8 rest = f64_fma(f64_set1(-r.c_hi), f64_set1(t), f64_set1(SD_LOG2E_HI));
    r.c_lo = (f64_first(rest) + SD_LOG2E_LO) / t;
    return r;
}

SD_INLINE temperature_f64 temperature_make_f64(double t) {
    temperature_f64 limit = {0, 0, 0, 1, 1, 0};
    if (t > DBL_MAX) limit.limit = SD_ALL_EQUAL;
    if (t == 0) limit.limit = SD_ONLY_MAX;
    if (limit.limit) return limit;
    const double s1 = t > SD_MOST_PLAIN ? 0x1p-600 : 1, s2 = t < SD_LEAST_PLAIN ? 0x1p600 : 1;
    temperature_f64 r = temperature_plain_f64(t * s1 * s2);
    r.s1 = s1;
    r.s2 = s2;
    return r;
}

typedef struct { double c_hi, c_lo, s1, s2, shift, floor, quarters, power; } reduction_f64;

SD_INLINE reduction_f64 reduction_plain_f64(const temperature_f64 *t, double max) {
    reduction_f64 r = {t->c_hi, t->c_lo, 1, 1, 0, max - t->cutoff, 0, 0};
    const double whole = max * t->c_hi + SD_WHOLE;
    r.power = whole - SD_WHOLE;
    r.quarters = (SD_QUARTERS + SD_WHOLE) - whole;
    return r;
}

SD_INLINE int must_be_moved_f64(const temperature_f64 *t, double max) {
    const double offset = max * t->c_hi;
    return !(offset <= SD_OFFSET && offset >= -SD_OFFSET) || t->s1 != 1 || t->s2 != 1;
}

SD_INLINE reduction_f64 reduction_moved_f64(const temperature_f64 *t, double max) {
    const double scaled = max * t->s1;
    const double offset = scaled * t->s2 * t->c_hi;
    const int subtract = offset > SD_OFFSET || offset < -SD_OFFSET;
    reduction_f64 r = reduction_plain_f64(t, subtract ? 0 : scaled * t->s2);
    r.s1 = t->s1;
    r.s2 = t->s2;
    r.shift = subtract ? -scaled : 0;
    return r;
}

/* 1 / (high + low), but for the last bits of its low part */
typedef struct { f64x8 high, low; } inverse_f64;

SD_INLINE inverse_f64 pair_inverse(f64x8 high, f64x8 low) {
    const f64x8 one = f64_set1(1), inverse = f64_div(one, high), product = f64_mul(high, inverse);
    const f64x8 left = f64_sub(f64_sub(one, product),
                               f64_fma(low, inverse, f64_fms(high, inverse, product)));
    const inverse_f64 r = {inverse, f64_mul(left, inverse)};
    return r;
}

SD_INLINE inverse_f64 inverse_make_f64(sd_sum sum) {
    return pair_inverse(f64_set1(sum.high), f64_set1(sum.low));
}

typedef struct { double c1, c2, c3, c4, c5, c6, c7, c8, rest; } division_f64;

SD_INLINE division_f64 division_make_f64(reduction_f64 *r, sd_sum sum, const int power) {
    static const double roots[5] = SD_EXP2_ROOTS, low_roots[5] = SD_EXP2_LOW_ROOTS;
    const inverse_f64 inverse = inverse_make_f64(sum);
    int exponent, j = 0;
    const double m = sd_mantissa(f64_first(inverse.high), &exponent);
    for (int i = 0; i < 4; i++) j += m * roots[i] > SD_EXP2_HALF_STEP;
    r->quarters += exponent + power + 0.25 * j;
    const f64x8 root = f64_set1(roots[j]), high = f64_set1(m);
    const f64x8 low = f64_mul(inverse.low, f64_set1(sd_power_of_2(-exponent)));
    const f64x8 rest = f64_fma(low, root, f64_fma(high, f64_set1(low_roots[j]),
                                                  f64_fms(high, root, f64_set1(1))));
    const double factor = m * roots[j];
    const division_f64 by = {(SD_EXP2_C1 - SD_TILT) * factor, SD_EXP2_C2 * factor, SD_EXP2_C3 * factor,
                             SD_EXP2_C4 * factor, SD_EXP2_C5 * factor, SD_EXP2_C6 * factor,
                             SD_EXP2_C7 * factor, SD_EXP2_C8 * factor, f64_first(rest)};
    return by;
}

SD_INLINE void to_columns_f64(const double *x, ptrdiff_t x_stride, double *columns, size_t n) {
    columns_of_64((const uint64_t *)x, x_stride, (uint64_t *)columns, n);
}

SD_INLINE void from_columns_f64(const double *columns, double *out, ptrdiff_t out_stride, size_t n) {
    columns_to_64((const uint64_t *)columns, (uint64_t *)out, out_stride, n);
}

/* What a reduction is where each lane may have its own. */
typedef struct { f64x8 c_hi, c_lo, floor, quarters; } lanes_f64;

SD_BODY void exponential_lanes_f64(const lanes_f64 *l, const reduction_f64 *r, const division_f64 *by, const int group,
                               const f64x8 *x, const int how, const int on_grid, f64x8 *s,
                               f64x8 *q) {
    static const uint64_t table_bits[8] = SD_EXP2_TABLE;
    const f64_table table = f64_table_from(f64_from_bits(u64_load(table_bits)));
    const f64x8 grid = f64_set1(SD_GRID);
    f64x8 y[SD_MOST], k[SD_MOST], f[SD_MOST];
    SD_EACH y[u] = x[u];
    if (how == SD_MOVED) {
        SD_EACH y[u] = f64_fma(y[u], f64_set1(r->s1), f64_set1(r->shift));
        SD_EACH y[u] = f64_mul(y[u], f64_set1(r->s2));
    }
    if (how != SD_UNCUT) SD_EACH y[u] = f64_max(l->floor, y[u]);
    SD_EACH k[u] = f64_fma(y[u], l->c_hi, l->quarters);
    SD_EACH f[u] = f64_sub(k[u], l->quarters);
    SD_EACH f[u] = f64_fms(y[u], l->c_hi, f[u]);
    SD_EACH f[u] = f64_fma(y[u], l->c_lo, f[u]);
    if (on_grid) {
        SD_EACH f[u] = f64_add(f[u], grid);
        SD_EACH f[u] = f64_sub(f[u], grid);
    }
    SD_EACH q[u] = f64_fma(f64_set1(by ? by->c8 : SD_EXP2_C8), f[u],
                           f64_set1(by ? by->c7 : SD_EXP2_C7));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c6 : SD_EXP2_C6));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c5 : SD_EXP2_C5));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c4 : SD_EXP2_C4));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c3 : SD_EXP2_C3));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c2 : SD_EXP2_C2));
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_set1(by ? by->c1 : SD_EXP2_C1));
    SD_EACH q[u] = by ? f64_fma(q[u], f[u], f64_set1(by->rest)) : f64_mul(q[u], f[u]);
    SD_EACH { /* last and pack by pack, for want of registers */
        s[u] = f64_lookup(table, f64_bits(k[u]));
        s[u] = f64_from_bits(u64_add(f64_bits(s[u]), u64_shl(f64_bits(k[u]), 50)));
    }
}

SD_BODY void exponential_f64(const reduction_f64 *r, const division_f64 *by, const int group,
                               const f64x8 *x, const int how, const int on_grid, f64x8 *s,
                               f64x8 *q) {
    const lanes_f64 l = {f64_set1(r->c_hi), f64_set1(r->c_lo), f64_set1(r->floor), f64_set1(r->quarters)};
    exponential_lanes_f64(&l, r, by, group, x, how, on_grid, s, q);
}

typedef struct { f64x8 s, c, start, total, rest; } accumulator_f64;

SD_INLINE void accumulator_start_f64(accumulator_f64 *a, f64x8 start) {
    a->s = a->start = start;
    a->c = f64_set1(0);
}

SD_INLINE accumulator_f64 accumulator_make_f64(void) {
    accumulator_f64 a;
    a.s = a.c = a.start = a.total = a.rest = f64_set1(0);
    return a;
}

SD_INLINE void accumulator_scale_f64(accumulator_f64 *a, double factor) {
    a->total = f64_mul(a->total, f64_set1(factor));
    a->rest = f64_mul(a->rest, f64_set1(factor));
}

SD_INLINE void accumulator_flush_f64(accumulator_f64 *a) {
    sd_two_sum_into(&a->total, &a->rest, a->s);
    sd_two_sum_into(&a->total, &a->rest, f64_sub(f64_set1(0), a->start));
    a->rest = f64_add(a->rest, a->c);
}

/* All lanes, added as a tree, of what was scaled by SD_SCALE. */
SD_INLINE sd_sum pair_total(f64x8 high, f64x8 low) {
    double total[8], rest[8];
    f64_store(total, high);
    f64_store(rest, low);
    sd_sum lane[8];
    for (int i = 0; i < 8; i++) lane[i] = sd_two_sum(total[i], rest[i]);
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = sd_sum_add(lane[i], lane[i + half]);
    const sd_sum r = {lane[0].high * SD_UNSCALE, lane[0].low * SD_UNSCALE};
    return r;
}

SD_INLINE sd_sum accumulator_total_f64(const accumulator_f64 *a) {
    return pair_total(a->total, a->rest);
}

SD_INLINE sd_sum exponential_value_f64(f64x8 s, f64x8 q) {
    const f64x8 high = f64_fma(s, q, s), low = f64_fma(s, q, f64_sub(s, high));
    const sd_sum r = {f64_first(high) * SD_UNSCALE, f64_first(low) * SD_UNSCALE};
    return r;
}

typedef struct {
    double max[8], c_hi[8], c_lo[8], floor[8], quarters[8], inverse_high[8], inverse_low[8];
} short_rows_f64;

SD_INLINE int eight_reduce_f64(lanes_f64 *lanes, f64x8 max, f64x8 t) {
    const f64x8 zero = f64_set1(0), one = f64_set1(1), shift = f64_set1(0x1.8p52);
    const f64x8 log2e = f64_set1(SD_LOG2E_HI);
    const f64x8 c = f64_mul(f64_div(log2e, t), f64_set1(1 - 0x1p-53));
    const f64x8 rest = f64_sub(zero, f64_fms(c, t, log2e)), offset = f64_mul(max, c);
    const f64x8 power = f64_sub(f64_add(offset, shift), shift);
    f64x8 bad = f64_where_ge(f64_set1(SD_OFFSET), f64_abs(offset), zero, one);
    bad = f64_add(bad, f64_where_ge(t, f64_set1(0x1p-500), zero, one));
    bad = f64_add(bad, f64_where_ge(f64_set1(0x1p500), t, zero, one));
    lanes->c_hi = c;
    lanes->c_lo = f64_div(f64_add(rest, f64_set1(SD_LOG2E_LO)), t);
    lanes->floor = f64_sub(max, f64_mul(t, f64_set1(SD_CUTOFF / SD_LOG2E_HI)));
    lanes->quarters = f64_sub(f64_set1(SD_QUARTERS), power);
    return f64_mask_ge(zero, bad) == 255;
}

SD_BODY int lanes_make_f64(lanes_f64 *lanes, f64x8 max, const double *t) {
    return eight_reduce_f64(lanes, max, f64_load(t));
}

SD_INLINE int short_reduce_f64(short_rows_f64 *rows, f64x8 max, f64x8 t) {
    lanes_f64 lanes;
    const int ordinary = eight_reduce_f64(&lanes, max, t);
    f64_store(rows->max, max);
    f64_store(rows->c_hi, lanes.c_hi);
    f64_store(rows->c_lo, lanes.c_lo);
    f64_store(rows->floor, lanes.floor);
    f64_store(rows->quarters, lanes.quarters);
    return ordinary;
}

SD_INLINE reduction_f64 short_reduction_f64(const short_rows_f64 *rows, int i) {
    const reduction_f64 r = {rows->c_hi[i],  rows->c_lo[i],     1, 1, 0,
                             rows->floor[i], rows->quarters[i], 0};
    return r;
}

SD_BODY int lanes_invert_f64(inverse_f64 *inverse, f64x8 high, f64x8 low) {
    const f64x8 sum = f64_add(high, low), unscale = f64_set1(SD_UNSCALE);
    const f64x8 rest = f64_sub(low, f64_sub(sum, high)); /* FastTwoSum: high is the larger */
    *inverse = pair_inverse(f64_mul(sum, unscale), f64_mul(rest, unscale));
    return f64_mask_ge(sum, f64_set1(0)) == 255;
}

SD_INLINE int inverse_of_split_f64(inverse_f64 *inverse, double high, double low) {
    const double sum = high + low;
    const sd_sum both = {sum * SD_UNSCALE, (low - (sum - high)) * SD_UNSCALE};
    *inverse = inverse_make_f64(both);
    return sum >= 0;
}

SD_INLINE int short_invert_f64(short_rows_f64 *rows, f64x8 high, f64x8 low) {
    inverse_f64 inverse;
    const int ordinary = lanes_invert_f64(&inverse, high, low);
    f64_store(rows->inverse_high, inverse.high);
    f64_store(rows->inverse_low, inverse.low);
    return ordinary;
}

SD_INLINE sd_sum sum_quotient_f64(sd_sum a, sd_sum b) {
    const inverse_f64 by = inverse_make_f64(b);
    const f64x8 high = f64_set1(a.high), product = f64_mul(high, by.high);
    const f64x8 rest = f64_fma(high, by.low, f64_fma(f64_set1(a.low), by.high,
                                                     f64_fms(high, by.high, product)));
    return sd_two_sum(f64_first(product), f64_first(rest));
}

/* max / T + log(1 + excess), with what the terms and their sum lose: the result may lie a binade
 * above both, where half a unit in its last place is a whole one in theirs. */
SD_INLINE double log_sum_at_f64(double max, double t, sd_sum excess) {
    const double quotient = max / t;
    if (!(quotient <= DBL_MAX && quotient >= -DBL_MAX)) return quotient;
    const f64x8 left = f64_fma(f64_set1(-quotient), f64_set1(t), f64_set1(max));
    const sd_sum sum = sd_two_sum(quotient, sd_log1p(excess.high));
    const double low = (t <= DBL_MAX ? f64_first(left) / t : 0) + excess.low / (1 + excess.high);
    return sum.high + (sum.low + low) + 0; /* -0 becomes +0 */
}

/* ((x - max) s2) inverse - log_sum, with x and max scaled by s1 first: s1 keeps x - max from
 * overflowing and s2 the inverse of a subnormal T. The difference and the inverse are off by half a
 * unit each, so it is right to 2.5 units. */
typedef struct { double s1, s2, shift, inverse, log_sum; } log_writer_f64;

SD_INLINE log_writer_f64 log_writer_make_f64(double t, double max, double log_sum) {
    log_writer_f64 r = {1, 1, 0, 0, log_sum};
    if (t > 0x1p1000) r.s1 = 0x1p-60;
    else if (max > 0x1p969 || max < -0x1p969) r.s1 = 0x1p-2;
    if (t < 0x1p-960) r.s2 = 0x1p60;
    r.shift = -max * r.s1;
    r.inverse = 1.0 / (t * r.s2 * r.s1);
    return r;
}

SD_INLINE f64x8 log_write_f64(const log_writer_f64 *w, f64x8 x) {
    const f64x8 difference = f64_fma(x, f64_set1(w->s1), f64_set1(w->shift));
    const f64x8 y = f64_fms(f64_mul(difference, f64_set1(w->s2)), f64_set1(w->inverse),
                            f64_set1(w->log_sum));
    return f64_add(y, f64_set1(0)); /* -0 becomes +0 */
}

/* Sums for the entropy. d is kept in units of T's power of two, wherein T itself is t. */
typedef struct {
    f64x8 others, others_rest, first, first_rest, second;
    f64x8 s1, shift, s2, lowest;
    double t;
} moments_f64;

SD_INLINE moments_f64 moments_make_f64(double t, double max) {
    const f64x8 zero = f64_set1(0);
    moments_f64 m = {zero, zero, zero, zero, zero, zero, zero, zero, zero, 0};
    const double s1 = t > 0x1p500 ? 0x1p-600 : 1, scaled = t * s1; /* else max - x may overflow */
    const double lowest = max - scaled * (SD_CUTOFF / SD_LOG2E_HI) / s1;
    uint64_t bits;
    double s2;
    memcpy(&bits, &scaled, sizeof bits);
    bits = (2046 - (bits >> 52)) << 52; /* s2 T is from 1 to 2, or from 2^-51 if T is subnormal */
    memcpy(&s2, &bits, sizeof s2);
    m.s1 = f64_set1(-s1);
    m.shift = f64_set1(max * s1);
    m.s2 = f64_set1(s2);
    m.lowest = f64_set1(lowest >= -DBL_MAX ? lowest : -DBL_MAX);
    m.t = scaled * s2;
    return m;
}

/* Below the lowest x the exponential is cut off, and d, perhaps infinite, is taken as 0. */
SD_INLINE void moments_add_f64(moments_f64 *m, f64x8 x, f64x8 s, f64x8 q) {
    const f64x8 difference = f64_mul(f64_fma(x, m->s1, m->shift), m->s2);
    const f64x8 d = f64_where_ge(x, m->lowest, difference, f64_set1(0));
    const f64x8 e = f64_fma(s, q, s), rest = f64_fma(s, q, f64_sub(s, e));
    const f64x8 product = f64_fma(s, d, f64_mul(s, f64_mul(q, d)));
    sd_two_sum_into(&m->others, &m->others_rest, e);
    m->others_rest = f64_add(m->others_rest, rest);
    sd_two_sum_into(&m->first, &m->first_rest, product);
    m->second = f64_fma(product, d, m->second);
}

SD_INLINE sd_moments moments_total_f64(const moments_f64 *m, double ties, sd_sum max) {
    const sd_sum others = sum_quotient_f64(pair_total(m->others, m->others_rest), max);
    const sd_sum first = sum_quotient_f64(pair_total(m->first, m->first_rest), max);
    const double second = f64_total(m->second) * SD_UNSCALE / max.high;
    const sd_moments r = {ties, others.high, others.low, first.high / m->t, second / m->t / m->t};
    return r;
}
