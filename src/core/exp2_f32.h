/* The float32 exponential 2^(x c), reduced to base 2 without subtracting the maximum.
 *
 * With c = log2(e) / T = c_hi + c_lo, adding x c_hi to a number so large that its last bit is worth
 * 1/8 rounds it to k/8, k = 8 i + j, and leaves k in that sum's low bits. What the rounding took away
 * comes back by fma: f = (x c_hi - k/8) + x c_lo, |f| <= 1/16. Then 2^(x c) = 2^i 2^(j/8) (1 + q(f)):
 * 2^(j/8) comes from a table, and i goes into the exponent by integer arithmetic. The row's power of
 * two, the one next to its maximum's exponential, is taken off i by making that large number smaller.
 *
 * So nothing is lost at large offsets, where rounding x - max loses it. The table holds not 2^(j/8) but
 * g 2^(j/8), with a g for which all eight are floats but for 2^-28 of themselves: no low parts are
 * needed, and g leaves with the division by the sum.
 *
 * The order is kept, no larger input having a smaller result. Where j stays the same all operations on
 * f are monotone; f is on a grid of 2^-26, coarser than what the polynomial may err by; c_hi <= c, so
 * that x c_lo never falls where x rises; and the polynomial is a little low at f = 1/16 and a little
 * high at -1/16, so that roundings make no step down where j changes. */

#define SD_REAL float
#define SD_PACK f32x16
#define SD_WIDTH 16
#define SD_LARGEST FLT_MAX
#define P(op) f32_##op
#define A(name) name##_f32

/* Exponentials are computed times 2^100, and results scaled back in the last operation, so that
 * exponents are always normal: results below 2^-126 cost nothing and are rounded once more, to their
 * spacing. */
#define SD_SCALE 0x1p100f
#define SD_UNSCALE 0x1p-100f
#define SD_SCALE_POWER 100
/* results above 2^this need no scaling */
#define SD_NORMAL (-124)
/* Exponentials are cut off at 2^-190 of the largest: far enough down that 2^32 of them add nothing,
 * and not so far that the scaled exponent of one over a sum of 2^32 leaves the normal range. */
#define SD_CUTOFF 190.0
/* Above this |max c| the maximum is subtracted first; for all x whose exponential is not cut off
 * that is exact (Sterbenz's lemma), and below it t stays small enough for its eighths. */
#define SD_OFFSET 512.0
/* 1.5 * 2^20: adding it rounds to eighths, and its own bits shifted left by 20 vanish */
#define SD_EIGHTHS 0x1.8p20f
/* adding and subtracting it rounds |f| <= 1/16 to multiples of 2^-26 */
#define SD_GRID 0.1875f
/* adding and subtracting it rounds exponentials to multiples of 2^(100 - 14): 128 of them sum exactly */
#define SD_SPLIT 0x1.8p109f
/* what is added to the polynomial's tilt where it divides */
#define SD_TILT 4e-8
/* elements between two transfers of running sums into float64; so many are twice in the first cache */
#define SD_BLOCK 2048
/* the longest row whose exponentials are stored: in float32 that costs half a unit too much */
#define SD_STORED 0
#define SD_LOST 0x1p-26f

/* A temperature, ready for any row: x is first moved to (x s1 + shift) s2, which is x itself for
 * ordinary temperatures and rows. */
typedef struct {
    double c;     /* log2(e) / T in units of the scaled x */
    double cutoff; /* SD_CUTOFF in those units */
    float c_hi, c_lo;
    float s1, s2; /* powers of two that bring extreme temperatures into range */
    int limit; /* 0, or SD_ONLY_MAX or SD_ALL_EQUAL */
} temperature_f32;

/* temperatures that bring nothing out of range */
#define SD_LEAST_PLAIN 0x1p-64
#define SD_MOST_PLAIN 0x1p64

SD_INLINE temperature_f32 temperature_plain_f32(double t) {
    temperature_f32 r = {SD_LOG2E_HI / t, t * (SD_CUTOFF / SD_LOG2E_HI), 0, 0, 1, 1, 0};
    r.c_hi = (float)(r.c * (1 - 0x1p-24)); /* never above c */
    r.c_lo = (float)(r.c - (double)r.c_hi);
    return r;
}

SD_INLINE temperature_f32 temperature_make_f32(double t) {
    temperature_f32 limit = {0, 0, 0, 0, 1, 1, 0};
    if (t >= 0x1p160) limit.limit = SD_ALL_EQUAL; /* then |x / t| < 2^-32 */
    if (t < 0x1p-200) limit.limit = SD_ONLY_MAX;  /* then unequal x differ by at least 2^51 t */
    if (limit.limit) return limit;
    const float s1 = t > SD_MOST_PLAIN ? 0x1p-100f : 1, s2 = t < SD_LEAST_PLAIN ? 0x1p100f : 1;
    temperature_f32 r = temperature_plain_f32(t * s1 * s2);
    r.s1 = s1;
    r.s2 = s2;
    return r;
}

/* A row's reduction: how x becomes table index, exponent and f. */
typedef struct {
    float c_hi, c_lo, s1, s2, shift, floor, eighths;
    double power; /* exponentials are relative to 2^power */
} reduction_f32;

/* For rows that need no moving. */
SD_INLINE reduction_f32 reduction_plain_f32(const temperature_f32 *t, float max) {
    reduction_f32 r = {t->c_hi, t->c_lo, 1, 1, 0, (float)((double)max - t->cutoff), 0, 0};
    const double whole = (double)max * t->c + SD_WHOLE;
    r.power = whole - SD_WHOLE;
    r.eighths = (float)((SD_EIGHTHS + SD_WHOLE) - whole); /* sooner than from the power */
    return r;
}

/* Whether the maximum must be subtracted, or x scaled. */
SD_INLINE int must_be_moved_f32(const temperature_f32 *t, float max) {
    const double offset = (double)max * t->c;
    return !(offset <= SD_OFFSET && offset >= -SD_OFFSET) || t->s1 != 1 || t->s2 != 1;
}

/* For any row: subtracts the maximum if it is so large that it must be. */
SD_INLINE reduction_f32 reduction_moved_f32(const temperature_f32 *t, float max) {
    const float scaled = max * t->s1;
    const double offset = (double)scaled * t->s2 * t->c;
    const int subtract = offset > SD_OFFSET || offset < -SD_OFFSET;
    reduction_f32 r = reduction_plain_f32(t, subtract ? 0 : scaled * t->s2);
    r.s1 = t->s1;
    r.s2 = t->s2;
    r.shift = subtract ? -scaled : 0;
    return r;
}

/* Division by a sum, which costs nothing: 1 / sum = 2^(k/8) (1 + rest), |rest| < 0.045. k goes into the
 * row's power of two, which need not be whole, and what is left into the polynomial, q becoming
 * (1 + q) (1 + rest) - 1. That is rounded as coarsely as twice q, for which the tilt is made larger.
 * Divided by 2^-power, too. */
typedef struct { float c1, c2, c3, c4, rest; } division_f32;

SD_INLINE division_f32 division_make_f32(reduction_f32 *r, sd_sum sum, const int power) {
    static const double roots[9] = SD_EXP2F_ROOTS;
    int exponent, j = 0;
    const double m = sd_mantissa(1 / sum.high, &exponent);
    for (int i = 0; i < 8; i++) j += m * roots[i] > SD_EXP2F_HALF_STEP;
    r->eighths += (float)(exponent + power) + 0.125f * (float)j;
    const double factor = m * roots[j];
    const division_f32 by = {(float)((SD_EXP2F_C1 - SD_TILT) * factor), (float)(SD_EXP2F_C2 * factor),
                             (float)(SD_EXP2F_C3 * factor), (float)(SD_EXP2F_C4 * factor),
                             (float)(factor - 1)};
    return by;
}

/* Rows of n items, side by side, as columns: a pack of each; and back. */
SD_INLINE void to_columns_f32(const float *x, ptrdiff_t x_stride, float *columns, size_t n) {
    columns_of_32((const uint32_t *)x, x_stride, (uint32_t *)columns, n);
}

SD_INLINE void from_columns_f32(const float *columns, float *out, ptrdiff_t out_stride, size_t n) {
    columns_to_32((const uint32_t *)columns, (uint32_t *)out, out_stride, n);
}

/* What a reduction is where each lane may have its own. */
typedef struct { f32x16 c_hi, c_lo, floor, eighths; } lanes_f32;

/* The exponentials of `group` packs x, relative to 2^power and times g 2^100, as s (1 + q), divided if
 * there is what by. Only results need f on the grid and the tilt, sums have no order to keep. In lockstep,
 * operation by operation, here and below: one after the other, the long chain of each pack would fill
 * the scheduler before the next begins. */
SD_BODY void exponential_lanes_f32(const lanes_f32 *l, const reduction_f32 *r, const division_f32 *by, const int group,
                               const f32x16 *x, const int how, const int on_grid, f32x16 *s,
                               f32x16 *q) {
    static const uint32_t table_bits[16] = SD_EXP2F_TABLE;
    static const division_f32 results = {SD_EXP2F_C1, SD_EXP2F_C2, SD_EXP2F_C3, SD_EXP2F_C4, 0};
    static const division_f32 sums = {SD_EXP2F_SUM_C1, SD_EXP2F_SUM_C2, SD_EXP2F_SUM_C3,
                                      SD_EXP2F_SUM_C4, 0};
    const f32_table table = f32_table_from(f32_from_bits(i32_load(table_bits)));
    const division_f32 c = by ? *by : on_grid ? results : sums;
    const f32x16 grid = f32_set1(SD_GRID);
    f32x16 y[SD_MOST], k[SD_MOST], f[SD_MOST];
    SD_EACH y[u] = x[u];
    if (how == SD_MOVED) {
        SD_EACH y[u] = f32_fma(y[u], f32_set1(r->s1), f32_set1(r->shift));
        SD_EACH y[u] = f32_mul(y[u], f32_set1(r->s2));
    }
    /* max gives its second argument for a NaN, which so goes on into the sum */
    if (how != SD_UNCUT) SD_EACH y[u] = f32_max(l->floor, y[u]);
    SD_EACH k[u] = f32_fma(y[u], l->c_hi, l->eighths);
    SD_EACH f[u] = f32_sub(k[u], l->eighths);
    SD_EACH f[u] = f32_fms(y[u], l->c_hi, f[u]);
    SD_EACH f[u] = f32_fma(y[u], l->c_lo, f[u]);
    if (on_grid) {
        SD_EACH f[u] = f32_add(f[u], grid);
        SD_EACH f[u] = f32_sub(f[u], grid);
    }
    SD_EACH s[u] = f32_lookup(table, f32_bits(k[u]));
    SD_EACH s[u] = f32_from_bits(i32_add(f32_bits(s[u]), i32_shl(f32_bits(k[u]), 20)));
    SD_EACH q[u] = f32_fma(f32_set1(c.c4), f[u], f32_set1(c.c3));
    SD_EACH q[u] = f32_fma(q[u], f[u], f32_set1(c.c2));
    SD_EACH q[u] = f32_fma(q[u], f[u], f32_set1(c.c1));
    SD_EACH q[u] = by ? f32_fma(q[u], f[u], f32_set1(by->rest)) : f32_mul(q[u], f[u]);
}

SD_BODY void exponential_f32(const reduction_f32 *r, const division_f32 *by, const int group,
                               const f32x16 *x, const int how, const int on_grid, f32x16 *s,
                               f32x16 *q) {
    const lanes_f32 l = {f32_set1(r->c_hi), f32_set1(r->c_lo), f32_set1(r->floor), f32_set1(r->eighths)};
    exponential_lanes_f32(&l, r, by, group, x, how, on_grid, s, q);
}

/* Running sums: per lane s + c, wherein s is float32, from `start` on, and c what its roundings lost,
 * moved into float64 after every block. */
typedef struct {
    f32x16 s, c, start;
    f64x8 low, high, low_rest, high_rest;
} accumulator_f32;

SD_INLINE void accumulator_start_f32(accumulator_f32 *a, f32x16 start) {
    a->s = a->start = start;
    a->c = f32_set1(0);
}

SD_INLINE accumulator_f32 accumulator_make_f32(void) {
    accumulator_f32 a;
    a.s = a.c = a.start = f32_set1(0);
    a.low = a.high = a.low_rest = a.high_rest = f64_set1(0);
    return a;
}

/* times a power of two */
SD_INLINE void accumulator_scale_f32(accumulator_f32 *a, double factor) {
    const f64x8 by = f64_set1(factor);
    a->low = f64_mul(a->low, by);
    a->high = f64_mul(a->high, by);
    a->low_rest = f64_mul(a->low_rest, by);
    a->high_rest = f64_mul(a->high_rest, by);
}

SD_INLINE void accumulator_flush_f32(accumulator_f32 *a) {
    sd_two_sum_into(&a->low, &a->low_rest, f64_sub(f32_low_to_f64(a->s), f32_low_to_f64(a->start)));
    sd_two_sum_into(&a->high, &a->high_rest, f64_sub(f32_high_to_f64(a->s), f32_high_to_f64(a->start)));
    a->low_rest = f64_add(a->low_rest, f32_low_to_f64(a->c));
    a->high_rest = f64_add(a->high_rest, f32_high_to_f64(a->c));
}

/* All lanes, added as a tree, of what was scaled by SD_SCALE. */
SD_INLINE sd_sum accumulator_total_f32(const accumulator_f32 *a) {
    const f64x8 low = f64_add(a->low, a->low_rest), high = f64_add(a->high, a->high_rest);
    const sd_sum r = {SD_UNSCALE * f64_total(f64_add(low, high)), 0};
    return r;
}

/* 1 / sum as high + low, of the row or of each lane's */
typedef struct { f32x16 high, low; } inverse_f32;

/* What eight short rows have each: as many numbers, in packs of eight. */
typedef struct {
    float max[16], c_hi[16], c_lo[16], floor[16], eighths[16], inverse_high[16], inverse_low[16];
} short_rows_f32;

/* Eight reductions, in float64. */
typedef struct { f64x8 c, c_hi, floor, power; } eight_f32;

/* From their maxima and temperatures. 0 if a row is out of the ordinary. */
SD_INLINE int eight_reduce_f32(eight_f32 *r, f64x8 max, f64x8 t) {
    const f64x8 zero = f64_set1(0), one = f64_set1(1), shift = f64_set1(0x1.8p52);
    r->c = f64_div(f64_set1(SD_LOG2E_HI), t);
    const f64x8 offset = f64_mul(max, r->c);
    f64x8 bad = f64_where_ge(f64_set1(SD_OFFSET), f64_abs(offset), zero, one);
    bad = f64_add(bad, f64_where_ge(t, f64_set1(0x1p-64), zero, one));
    bad = f64_add(bad, f64_where_ge(f64_set1(0x1p64), t, zero, one));
    r->c_hi = f64_mul(r->c, f64_set1(1 - 0x1p-24));
    r->floor = f64_sub(max, f64_mul(t, f64_set1(SD_CUTOFF / SD_LOG2E_HI)));
    r->power = f64_sub(f64_add(offset, shift), shift);
    return f64_mask_ge(zero, bad) == 255;
}

SD_INLINE lanes_f32 lanes_of_f32(const eight_f32 *low, const eight_f32 *high) {
    lanes_f32 l;
    l.c_hi = f32_from_f64(low->c_hi, high->c_hi);
    l.c_lo = f32_from_f64(f64_sub(low->c, f32_low_to_f64(l.c_hi)),
                          f64_sub(high->c, f32_high_to_f64(l.c_hi)));
    l.floor = f32_from_f64(low->floor, high->floor);
    l.eighths = f32_sub(f32_set1(SD_EIGHTHS), f32_from_f64(low->power, high->power));
    return l;
}

/* The reductions of 16 rows side by side. */
SD_BODY int lanes_make_f32(lanes_f32 *lanes, f32x16 max, const double *t) {
    eight_f32 low, high;
    const int ordinary = eight_reduce_f32(&low, f32_low_to_f64(max), f64_load(t)) &
                         eight_reduce_f32(&high, f32_high_to_f64(max), f64_load(t + 8));
    *lanes = lanes_of_f32(&low, &high);
    return ordinary;
}

SD_INLINE int short_reduce_f32(short_rows_f32 *rows, f64x8 max, f64x8 t) {
    eight_f32 eight;
    const int ordinary = eight_reduce_f32(&eight, max, t);
    const lanes_f32 lanes = lanes_of_f32(&eight, &eight);
    f32_store(rows->max, f32_from_f64(max, max));
    f32_store(rows->c_hi, lanes.c_hi);
    f32_store(rows->c_lo, lanes.c_lo);
    f32_store(rows->floor, lanes.floor);
    f32_store(rows->eighths, lanes.eighths);
    return ordinary;
}

SD_INLINE reduction_f32 short_reduction_f32(const short_rows_f32 *rows, int i) {
    const reduction_f32 r = {rows->c_hi[i],  rows->c_lo[i],    1, 1, 0,
                             rows->floor[i], rows->eighths[i], 0};
    return r;
}

/* The inverses of 16 sums, in two parts. */
SD_INLINE inverse_f32 inverse_of_f32(f64x8 low, f64x8 high) {
    inverse_f32 r;
    r.high = f32_from_f64(low, high);
    r.low = f32_from_f64(f64_sub(low, f32_low_to_f64(r.high)), f64_sub(high, f32_high_to_f64(r.high)));
    return r;
}

/* From two parts of their sums, the inverses. 0 if one is NaN. Inlined in the scalar tier, gcc 12.2 at -O2
 * has two lanes wrong; test_softmax.c would show it. */
SD_BODY int lanes_invert_f32(inverse_f32 *inverse, f32x16 high, f32x16 low) {
    const f64x8 a = f64_add(f32_low_to_f64(high), f32_low_to_f64(low));
    const f64x8 b = f64_add(f32_high_to_f64(high), f32_high_to_f64(low));
    const f64x8 scale = f64_set1(SD_SCALE), zero = f64_set1(0);
    *inverse = inverse_of_f32(f64_div(scale, a), f64_div(scale, b));
    return (f64_mask_ge(a, zero) & f64_mask_ge(b, zero)) == 255;
}

SD_INLINE int short_invert_f32(short_rows_f32 *rows, f64x8 high, f64x8 low) {
    const f64x8 sum = f64_add(high, low), each = f64_div(f64_set1(SD_SCALE), sum);
    const inverse_f32 inverse = inverse_of_f32(each, each);
    f32_store(rows->inverse_high, inverse.high);
    f32_store(rows->inverse_low, inverse.low);
    return f64_mask_ge(sum, f64_set1(0)) == 255;
}

/* s (1 + q) of the first lane, not scaled */
SD_INLINE sd_sum exponential_value_f32(f32x16 s_, f32x16 q_) {
    const double s = f32_first(s_), q = f32_first(q_);
    const sd_sum r = {(s + s * q) * SD_UNSCALE, 0};
    return r;
}

SD_INLINE sd_sum sum_quotient_f32(sd_sum a, sd_sum b) {
    const sd_sum r = {a.high / b.high, 0};
    return r;
}

SD_INLINE inverse_f32 inverse_split_f32(double inverse) {
    const float high = (float)inverse;
    const inverse_f32 r = {f32_set1(high), f32_set1((float)(inverse - (double)high))};
    return r;
}

SD_INLINE inverse_f32 inverse_make_f32(sd_sum sum) { return inverse_split_f32(1 / sum.high); }

/* From both parts of a lone short row's sum. 0 if it is NaN. */
SD_INLINE int inverse_of_split_f32(inverse_f32 *inverse, float high, float low) {
    const double sum = (double)high + (double)low;
    *inverse = inverse_split_f32(SD_SCALE / sum);
    return sum >= 0;
}

/* max / T + log(1 + excess) */
SD_INLINE float log_sum_at_f32(float max, double t, sd_sum excess) {
    return (float)((double)max / t + sd_log1p(excess.high)) + 0; /* -0 becomes +0 */
}

/* (x - max) / T - log_sum, in double: both terms are negative, so nothing cancels. */
typedef struct { double max, inverse, log_sum; } log_writer_f32;

SD_INLINE log_writer_f32 log_writer_make_f32(double t, float max, double log_sum) {
    const log_writer_f32 r = {max, t < 0x1p-1020 ? DBL_MAX : 1.0 / t, log_sum};
    return r;
}

SD_INLINE f64x8 log_write_half(const log_writer_f32 *w, f64x8 x) {
    return f64_fms(f64_sub(x, f64_set1(w->max)), f64_set1(w->inverse), f64_set1(w->log_sum));
}

SD_INLINE f32x16 log_write_f32(const log_writer_f32 *w, f32x16 x) {
    const f32x16 y = f32_from_f64(log_write_half(w, f32_low_to_f64(x)),
                                  log_write_half(w, f32_high_to_f64(x)));
    return f32_add(y, f32_set1(0)); /* -0 becomes +0 */
}

/* Sums for the entropy, in float64, which holds products of two floats exactly and needs no fma. */
typedef struct { f64x8 others, first, max, lowest; double t; } moments_f32;

SD_INLINE moments_f32 moments_make_f32(double t, float max) {
    moments_f32 m = {f64_set1(0), f64_set1(0), f64_set1((double)max), f64_set1(0), t};
    m.lowest = f64_set1((double)max - t * (SD_CUTOFF / SD_LOG2E_HI));
    return m;
}

/* Below the lowest x the exponential is cut off, and d, perhaps infinite, is taken as 0. */
SD_INLINE void moments_add_half(moments_f32 *m, f64x8 x, f64x8 s, f64x8 q) {
    const f64x8 e = f64_add(s, f64_mul(s, q));
    const f64x8 d = f64_where_ge(x, m->lowest, f64_sub(m->max, x), f64_set1(0));
    m->others = f64_add(m->others, e);
    m->first = f64_add(m->first, f64_mul(d, e));
}

SD_INLINE void moments_add_f32(moments_f32 *m, f32x16 x, f32x16 s, f32x16 q) {
    moments_add_half(m, f32_low_to_f64(x), f32_low_to_f64(s), f32_low_to_f64(q));
    moments_add_half(m, f32_high_to_f64(x), f32_high_to_f64(s), f32_high_to_f64(q));
}

/* relative to the maximum's exponential */
SD_INLINE sd_moments moments_total_f32(const moments_f32 *m, double ties, sd_sum max) {
    const double by = SD_UNSCALE / max.high;
    const sd_moments r = {ties, f64_total(m->others) * by, 0, f64_total(m->first) * by / m->t, 0};
    return r;
}
