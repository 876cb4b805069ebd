/* The float64 exponential 2^(x c - reference), as exp2_f32.h has it for float32, with quarters and a
 * table of 4 (AVX2 looks up no more doubles), a polynomial of degree 8 on |f| <= 1/8, c and the table
 * as sums of two doubles, and f on a grid of 2^-54. */

#define SD_REAL double
#define SD_PACK f64x8
#define SD_WIDTH 8
#define SD_LARGEST DBL_MAX
#define P(op) f64_##op
#define F(name) name##_f64

/* Times 2^600, cut off at 2^-1140 of the largest, the maximum subtracted above |max c| = 4096. */
#define SD_SCALE 0x1p600
#define SD_UNSCALE 0x1p-600
#define SD_CUTOFF 1140.0
#define SD_OFFSET 4096.0
/* 1.5 * 2^50: adding it rounds to quarters, and its own bits shifted left by 50 vanish */
#define SD_QUARTERS 0x1.8p50
/* adding and subtracting it rounds |f| <= 1/8 to multiples of 2^-54 */
#define SD_GRID 0.375

typedef struct {
    double c_hi, c_lo, s1, s2;
    int all_equal, only_max;
} temperature_f64;

static temperature_f64 temperature_make_f64(double t) {
    temperature_f64 r = {0, 0, 1, 1, 0, 0};
    r.all_equal = t > DBL_MAX;
    r.only_max = t == 0;
    if (r.all_equal || r.only_max) return r;
    if (t > 0x1p500) r.s1 = 0x1p-600;
    if (t < 0x1p-500) r.s2 = 0x1p600;
    const double scaled = t * r.s1 * r.s2;
    double lane[8];
    r.c_hi = SD_LOG2E_HI / scaled * (1 - 0x1p-53); /* never above c */
    f64_store(lane, f64_fma(f64_set1(-r.c_hi), f64_set1(scaled), f64_set1(SD_LOG2E_HI)));
    r.c_lo = (lane[0] + SD_LOG2E_LO) / scaled;
    return r;
}

typedef struct {
    double c_hi, c_lo, s1, s2, shift, floor;
    int moved;
    uint64_t k_max;
    double f_max, p_max; /* q(f) of the maximum is their product */
} reduction_f64;

SD_INLINE f64x8 move_f64(const reduction_f64 *r, f64x8 x) {
    return f64_mul(f64_fma(x, f64_set1(r->s1), f64_set1(r->shift)), f64_set1(r->s2));
}

SD_INLINE void reduce_f64(const reduction_f64 *r, const int group, const f64x8 *x, const int on_grid,
                          f64x8 *k, f64x8 *f) {
    const f64x8 c_hi = f64_set1(r->c_hi), c_lo = f64_set1(r->c_lo);
    const f64x8 quarters = f64_set1(SD_QUARTERS), grid = f64_set1(SD_GRID);
    SD_EACH k[u] = f64_fma(x[u], c_hi, quarters);
    SD_EACH f[u] = f64_sub(k[u], quarters);
    SD_EACH f[u] = f64_fms(x[u], c_hi, f[u]);
    SD_EACH f[u] = f64_fma(x[u], c_lo, f[u]);
    if (on_grid) {
        SD_EACH f[u] = f64_add(f[u], grid);
        SD_EACH f[u] = f64_sub(f[u], grid);
    }
}

SD_INLINE void polynomial_f64(const int group, const f64x8 *f, f64x8 *p) {
    SD_EACH p[u] = f64_fma(f64_set1(SD_EXP2_C8), f[u], f64_set1(SD_EXP2_C7));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C6));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C5));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C4));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C3));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C2));
    SD_EACH p[u] = f64_fma(p[u], f[u], f64_set1(SD_EXP2_C1));
}

typedef struct { f64_table high, low; } exp2_table_f64;

SD_INLINE void exponential_f64(const reduction_f64 *r, const exp2_table_f64 *table, const int group,
                               const f64x8 *x, const int moved, const int on_grid, f64x8 *s,
                               f64x8 *q) {
    f64x8 y[SD_GROUP], k[SD_GROUP], f[SD_GROUP];
    SD_EACH y[u] = moved ? move_f64(r, x[u]) : x[u];
    SD_EACH y[u] = f64_max(f64_set1(r->floor), y[u]);
    reduce_f64(r, group, y, on_grid, k, f);
    SD_EACH s[u] = f64_lookup(table->high, f64_bits(k[u]));
    SD_EACH s[u] = f64_from_bits(u64_add(f64_bits(s[u]), u64_shl(f64_bits(k[u]), 50)));
    polynomial_f64(group, f, q);
    SD_EACH q[u] = f64_fma(q[u], f[u], f64_lookup(table->low, f64_bits(k[u])));
}

static reduction_f64 reduction_make_f64(const temperature_f64 *t, double max, int subtract) {
    const double offset = max * t->s1 * t->s2 * t->c_hi;
    subtract = subtract || offset > SD_OFFSET || offset < -SD_OFFSET;
    reduction_f64 r;
    r.c_hi = t->c_hi;
    r.c_lo = t->c_lo;
    r.s1 = t->s1;
    r.s2 = t->s2;
    r.shift = subtract ? -max * r.s1 : 0;
    r.moved = subtract || r.s1 != 1 || r.s2 != 1;

    double lane[8];
    f64x8 k, f, p;
    const f64x8 moved = move_f64(&r, f64_set1(max));
    reduce_f64(&r, 1, &moved, 1, &k, &f);
    polynomial_f64(1, &f, &p);
    f64_store(lane, moved);
    r.floor = lane[0] - SD_CUTOFF / t->c_hi;
    f64_store(lane, k);
    memcpy(&r.k_max, lane, sizeof r.k_max);
    f64_store(lane, f);
    r.f_max = lane[0];
    f64_store(lane, p);
    r.p_max = lane[0];
    return r;
}

/* a sum of two doubles in each lane */
typedef struct { f64x8 high, low; } f64x8_sum;

SD_INLINE f64x8_sum pair_normal(f64x8 high, f64x8 low) {
    f64x8_sum r;
    r.high = f64_add(high, low);
    r.low = f64_sub(low, f64_sub(r.high, high));
    return r;
}

SD_INLINE f64x8_sum pair_mul(f64x8_sum a, f64x8_sum b) {
    const f64x8 product = f64_mul(a.high, b.high);
    const f64x8 rest = f64_fms(a.high, b.high, product);
    return pair_normal(product, f64_fma(a.high, b.low, f64_fma(a.low, b.high, rest)));
}

SD_INLINE f64x8_sum pair_set1(double high, double low) {
    const f64x8_sum r = {f64_set1(high), f64_set1(low)};
    return r;
}

SD_INLINE exp2_table_f64 exp2_table_scaled_f64(f64x8_sum factor, uint64_t k_max) {
    /* twice, to fill a pack */
    static const double powers_high[2][4] = {SD_EXP2_TABLE_HI, SD_EXP2_TABLE_HI};
    static const double powers_low[2][4] = {SD_EXP2_TABLE_LO, SD_EXP2_TABLE_LO};
    static const uint64_t minus_j[8] = {0, 0u - ((uint64_t)1 << 50), 0u - ((uint64_t)2 << 50),
                                        0u - ((uint64_t)3 << 50)};
    const f64x8_sum powers = {f64_load(powers_high[0]), f64_load(powers_low[0])};
    const f64x8_sum entry = pair_mul(powers, factor);
    const u64x8 less = u64_add(u64_load(minus_j), u64_set1(0u - ((k_max - (k_max & 3)) << 50)));
    exp2_table_f64 table;
    table.high = f64_table_from(f64_from_bits(u64_add(f64_bits(entry.high), less)));
    table.low = f64_table_from(f64_div(entry.low, entry.high));
    return table;
}

/* 1 / d as a pair, but for the last bits of its low part */
SD_INLINE f64x8_sum pair_inverse(f64x8_sum d) {
    const f64x8 one = f64_set1(1), inverse = f64_div(one, d.high);
    const f64x8 product = f64_mul(d.high, inverse);
    const f64x8 left = f64_sub(f64_sub(one, product),
                               f64_fma(d.low, inverse, f64_fms(d.high, inverse, product)));
    const f64x8_sum r = {inverse, f64_mul(left, inverse)};
    return r;
}

SD_INLINE exp2_table_f64 exp2_table_make_f64(const reduction_f64 *r, sd_sum divisor) {
    static const double powers_high[4] = SD_EXP2_TABLE_HI, powers_low[4] = SD_EXP2_TABLE_LO;
    const uint64_t j = r->k_max & 3;
    /* of the maximum: 2^(j/4) (1 + q) divisor */
    const f64x8 f = f64_set1(r->f_max), p = f64_set1(r->p_max);
    const f64x8 q = f64_mul(f, p), q_rest = f64_fms(f, p, q);
    f64x8_sum d = pair_normal(f64_set1(1), q);
    d.low = f64_add(d.low, q_rest);
    d = pair_mul(d, pair_set1(powers_high[j], powers_low[j]));
    d = pair_mul(d, pair_set1(divisor.high, divisor.low));
    f64x8_sum factor = pair_inverse(d);
    factor.high = f64_mul(factor.high, f64_set1(SD_SCALE));
    factor.low = f64_mul(factor.low, f64_set1(SD_SCALE));
    return exp2_table_scaled_f64(factor, r->k_max);
}

typedef struct { f64x8 s, c, start, total, rest; } accumulator_f64;

SD_INLINE void accumulator_start_f64(accumulator_f64 *a, f64x8 start) {
    a->s = a->start = start;
    a->c = a->total = a->rest = f64_set1(0);
}

SD_INLINE void accumulator_flush_f64(accumulator_f64 *a) {
    sd_two_sum_into(&a->total, &a->rest, a->s);
    sd_two_sum_into(&a->total, &a->rest, f64_sub(f64_set1(0), a->start));
    a->rest = f64_add(a->rest, a->c);
    a->s = a->start;
    a->c = f64_set1(0);
}

SD_INLINE sd_sum accumulator_total_f64(const accumulator_f64 *a) {
    double total[8], rest[8];
    f64_store(total, a->total);
    f64_store(rest, a->rest);
    sd_sum lane[8];
    for (int i = 0; i < 8; i++) lane[i] = sd_two_sum(total[i], rest[i]);
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = sd_sum_add(lane[i], lane[i + half]);
    const sd_sum r = {lane[0].high * SD_UNSCALE, lane[0].low * SD_UNSCALE};
    return r;
}

/* max / T + log(1 + excess), with what the terms and their sum lose: the result may lie a binade
 * above both, where half a unit in its last place is a whole one in theirs. */
SD_INLINE double log_sum_at_f64(double max, double t, sd_sum excess) {
    const double quotient = max / t;
    if (!(quotient <= DBL_MAX && quotient >= -DBL_MAX)) return quotient;
    double lost[8];
    f64_store(lost, f64_div(f64_fma(f64_set1(-quotient), f64_set1(t), f64_set1(max)), f64_set1(t)));
    const sd_sum sum = sd_two_sum(quotient, sd_log1p(excess.high));
    const double low = (t <= DBL_MAX ? lost[0] : 0) + excess.low / (1 + excess.high);
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
