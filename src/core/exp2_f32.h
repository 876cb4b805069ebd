/* The float32 exponential 2^(x c - reference), reduced to base 2 without subtracting the maximum.
 *
 * With c = log2(e) / T = c_hi + c_lo, adding x c_hi to a number so large that its last bit is worth
 * 1/8 rounds it to k/8, k = 8 i + j, and leaves k in that sum's low bits. What the rounding took away
 * comes back by fma: f = (x c_hi - k/8) + x c_lo, |f| <= 1/16. Then 2^(x c) = 2^i 2^(j/8) (1 + q(f)):
 * i goes into the exponent by integer arithmetic, 2^(j/8) comes from a table whose entries carry their
 * low part into q, and any common factor (1 / sum, the reference) is folded into the table.
 *
 * So nothing is lost at large offsets, where rounding x - max loses it. The order is kept, no larger
 * input having a smaller result, by two things: f is put on a grid of 2^-26, coarser than what the
 * operations after it may err by; and c_hi <= c, so that x c_lo never falls where x rises. */

#define SD_REAL float
#define SD_PACK f32x16
#define SD_WIDTH 16
#define SD_LARGEST FLT_MAX
#define P(op) f32_##op
#define F(name) name##_f32

/* Everything is computed times 2^100, and scaled back in the last operation, so that exponents are
 * always normal: results below 2^-126 cost nothing and are rounded once more, to their spacing. */
#define SD_SCALE 0x1p100f
#define SD_UNSCALE 0x1p-100f
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

/* A temperature, ready for any row: x is first moved to (x s1 + shift) s2, which is x itself for
 * ordinary temperatures and rows. */
typedef struct {
    double c;     /* log2(e) / T in units of the scaled x */
    float c_hi, c_lo;
    float s1, s2; /* powers of two that bring extreme temperatures into range */
    int all_equal, only_max; /* so large, or so small, that the limit is the answer in float32 */
} temperature_f32;

static temperature_f32 temperature_make_f32(double t) {
    temperature_f32 r = {0, 0, 0, 1, 1, 0, 0};
    r.all_equal = t >= 0x1p160; /* then |x / t| < 2^-32 */
    r.only_max = t < 0x1p-200;  /* then unequal x differ by at least 2^51 t */
    if (r.all_equal || r.only_max) return r;
    if (t > 0x1p64) r.s1 = 0x1p-100f;
    if (t < 0x1p-64) r.s2 = 0x1p100f;
    r.c = SD_LOG2E_HI / (t * r.s1 * r.s2);
    r.c_hi = (float)(r.c * (1 - 0x1p-24)); /* never above c */
    r.c_lo = (float)(r.c - (double)r.c_hi);
    return r;
}

/* A row's reduction: how x becomes table index, exponent and f. */
typedef struct {
    float c_hi, c_lo, s1, s2, shift, floor;
    int moved;         /* whether s1, s2 and shift do anything */
    uint32_t k_max;    /* the maximum's index bits */
    double one_plus_q; /* and its 1 + q(f), exactly */
} reduction_f32;

SD_INLINE f32x16 move_f32(const reduction_f32 *r, f32x16 x) {
    return f32_mul(f32_fma(x, f32_set1(r->s1), f32_set1(r->shift)), f32_set1(r->s2));
}

/* The sums that hold k, and f, of `group` packs of moved x. Only results need f on the grid, sums have
 * no order to keep. In lockstep, operation by operation, here and below: one after the other, the long
 * chain of each pack would fill the scheduler before the next begins. */
SD_INLINE void reduce_f32(const reduction_f32 *r, const int group, const f32x16 *x, const int on_grid,
                          f32x16 *k, f32x16 *f) {
    const f32x16 c_hi = f32_set1(r->c_hi), c_lo = f32_set1(r->c_lo);
    const f32x16 eighths = f32_set1(SD_EIGHTHS), grid = f32_set1(SD_GRID);
    SD_EACH k[u] = f32_fma(x[u], c_hi, eighths);
    SD_EACH f[u] = f32_sub(k[u], eighths);
    SD_EACH f[u] = f32_fms(x[u], c_hi, f[u]);
    SD_EACH f[u] = f32_fma(x[u], c_lo, f[u]);
    if (on_grid) {
        SD_EACH f[u] = f32_add(f[u], grid);
        SD_EACH f[u] = f32_sub(f[u], grid);
    }
}

/* q(f) / f */
SD_INLINE void polynomial_f32(const int group, const f32x16 *f, f32x16 *p) {
    SD_EACH p[u] = f32_fma(f32_set1(SD_EXP2F_C4), f[u], f32_set1(SD_EXP2F_C3));
    SD_EACH p[u] = f32_fma(p[u], f[u], f32_set1(SD_EXP2F_C2));
    SD_EACH p[u] = f32_fma(p[u], f[u], f32_set1(SD_EXP2F_C1));
}

/* 2^(j/8) times one factor: high parts as bits, the exponent adjusted, and low parts relative. */
typedef struct { f32_table high, low; } exp2_table_f32;

/* The exponentials of `group` packs x times 2^100, as s (1 + q). */
SD_INLINE void exponential_f32(const reduction_f32 *r, const exp2_table_f32 *table, const int group,
                               const f32x16 *x, const int moved, const int on_grid, f32x16 *s,
                               f32x16 *q) {
    f32x16 y[SD_GROUP], k[SD_GROUP], f[SD_GROUP];
    SD_EACH y[u] = moved ? move_f32(r, x[u]) : x[u];
    /* max gives its second argument for a NaN, which so goes on into the sum */
    SD_EACH y[u] = f32_max(f32_set1(r->floor), y[u]);
    reduce_f32(r, group, y, on_grid, k, f);
    SD_EACH s[u] = f32_lookup(table->high, f32_bits(k[u]));
    SD_EACH s[u] = f32_from_bits(i32_add(f32_bits(s[u]), i32_shl(f32_bits(k[u]), 20)));
    polynomial_f32(group, f, q);
    SD_EACH q[u] = f32_fma(q[u], f[u], f32_lookup(table->low, f32_bits(k[u])));
}

/* Subtracts the maximum if asked to, or if it is so large that it must be. */
static reduction_f32 reduction_make_f32(const temperature_f32 *t, float max, int subtract) {
    const double offset = (double)max * t->s1 * t->s2 * t->c;
    subtract = subtract || offset > SD_OFFSET || offset < -SD_OFFSET;
    reduction_f32 r;
    r.c_hi = t->c_hi;
    r.c_lo = t->c_lo;
    r.s1 = t->s1;
    r.s2 = t->s2;
    r.shift = subtract ? -max * r.s1 : 0;
    r.moved = subtract || r.s1 != 1 || r.s2 != 1;

    float lane[16], p_lane[16];
    f32x16 k, f, p;
    const f32x16 moved = move_f32(&r, f32_set1(max));
    reduce_f32(&r, 1, &moved, 1, &k, &f);
    polynomial_f32(1, &f, &p);
    f32_store(lane, moved);
    r.floor = (float)((double)lane[0] - SD_CUTOFF / t->c);
    f32_store(lane, k);
    memcpy(&r.k_max, lane, sizeof r.k_max);
    f32_store(lane, f);
    f32_store(p_lane, p);
    r.one_plus_q = 1.0 + (double)lane[0] * (double)p_lane[0];
    return r;
}

/* The table of 2^(j/8) factor, for exponentials 2^(x c - i_max) of packs whose k is 8 i + j. */
SD_INLINE exp2_table_f32 exp2_table_scaled_f32(double factor, uint32_t k_max) {
    static const double powers[8] = SD_EXP2F_TABLE;
    static const uint32_t minus_j[16] = {0, 0u - (1u << 20), 0u - (2u << 20), 0u - (3u << 20),
                                         0u - (4u << 20), 0u - (5u << 20), 0u - (6u << 20),
                                         0u - (7u << 20)};
    const f64x8 entry = f64_mul(f64_load(powers), f64_set1(factor));
    const f32x16 high = f32_from_f64(entry, entry);
    const f64x8 widened = f32_low_to_f64(high);
    const f64x8 low = f64_div(f64_sub(entry, widened), widened);
    /* k << 20 adds i to the exponent field, but also j << 20, and counts from zero, not from i_max:
     * both are taken off here. All of it modulo 2^32. */
    const i32x16 less = i32_add(i32_load(minus_j), i32_set1(0u - ((k_max - (k_max & 7)) << 20)));
    exp2_table_f32 table;
    table.high = f32_table_from(f32_from_bits(i32_add(f32_bits(high), less)));
    table.low = f32_table_from(f32_from_f64(low, low));
    return table;
}

/* The same, for exponentials relative to the maximum's, which so is 1, divided by `divisor`. */
SD_INLINE exp2_table_f32 exp2_table_make_f32(const reduction_f32 *r, sd_sum divisor) {
    static const double powers[8] = SD_EXP2F_TABLE;
    const double of_max = powers[r->k_max & 7] * r->one_plus_q;
    return exp2_table_scaled_f32(SD_SCALE / (of_max * divisor.high), r->k_max);
}

/* Running sums: per lane s + c, wherein s is float32, from `start` on, and c what its roundings lost,
 * moved into float64 every 4,096 elements. */
typedef struct {
    f32x16 s, c, start;
    f64x8 low, high, low_rest, high_rest;
} accumulator_f32;

SD_INLINE void accumulator_start_f32(accumulator_f32 *a, f32x16 start) {
    a->s = a->start = start;
    a->c = f32_set1(0);
    a->low = a->high = a->low_rest = a->high_rest = f64_set1(0);
}

SD_INLINE void accumulator_flush_f32(accumulator_f32 *a) {
    sd_two_sum_into(&a->low, &a->low_rest, f64_sub(f32_low_to_f64(a->s), f32_low_to_f64(a->start)));
    sd_two_sum_into(&a->high, &a->high_rest, f64_sub(f32_high_to_f64(a->s), f32_high_to_f64(a->start)));
    a->low_rest = f64_add(a->low_rest, f32_low_to_f64(a->c));
    a->high_rest = f64_add(a->high_rest, f32_high_to_f64(a->c));
    a->s = a->start;
    a->c = f32_set1(0);
}

/* All lanes, added as a tree, of what was scaled by SD_SCALE. */
SD_INLINE sd_sum accumulator_total_f32(const accumulator_f32 *a) {
    const f64x8 low = f64_add(a->low, a->low_rest), high = f64_add(a->high, a->high_rest);
    const sd_sum r = {SD_UNSCALE * f64_total(f64_add(low, high)), 0};
    return r;
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
