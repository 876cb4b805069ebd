/* float64 rows of at most two packs, as short_rows_f32.h has them for float32: here what widening does
 * there is done by pairs of doubles. */
typedef struct {
    reduction_f64 reduction;
    exp2_table_f64 table;
    double cutoff;
    int usable;
} short_rows_f64;

enum { F(SHORT) = 2 * SD_WIDTH };

SD_INLINE short_rows_f64 short_rows_make_f64(const temperature_f64 *t, size_t n) {
    short_rows_f64 r = {0};
    r.usable = n <= F(SHORT) && t->c_hi > 0 && t->s1 == 1 && t->s2 == 1;
    if (!r.usable) return r;
    r.reduction.c_hi = t->c_hi;
    r.reduction.c_lo = t->c_lo;
    r.table = exp2_table_scaled_f64(pair_set1(SD_SCALE, 0), 0);
    r.cutoff = SD_CUTOFF / t->c_hi;
    return r;
}

/* The results of `group` packs x; 0, and nothing, for a row that is left to others. */
SD_INLINE int short_row_f64(const short_rows_f64 *rows, const int group, const f64x8 *x, f64x8 *out) {
    reduction_f64 r = rows->reduction;
    const double max = f64_largest(group > 1 ? f64_max(x[0], x[1]) : x[0]);
    const double offset = max * r.c_hi;
    if (!(offset <= SD_OFFSET && offset >= -SD_OFFSET)) return 0;
    r.floor = max - rows->cutoff;
    const u64x8 k_max = f64_bits(f64_fma(f64_set1(max), f64_set1(r.c_hi), f64_set1(SD_QUARTERS)));
    const u64x8 i_max = u64_shl(u64_and(k_max, u64_set1(~(uint64_t)3)), 50);
    /* adding and subtracting it leaves multiples of 2^(600 - 45), whose sums are exact */
    const f64x8 split = f64_set1(0x1.8p607);
    f64x8 e[2], e_rest[2], high = f64_set1(0), low = high;
    for (int u = 0; u < group; u++) {
        f64x8 s, q;
        exponential_f64(&r, &rows->table, 1, x + u, 0, 1, &s, &q);
        s = f64_from_bits(u64_sub(f64_bits(s), i_max));
        e[u] = f64_fma(s, q, s);
        e_rest[u] = f64_fma(s, q, f64_sub(s, e[u]));
        const f64x8 upper = f64_sub(f64_add(e[u], split), split);
        high = f64_add(high, upper);
        low = f64_add(low, f64_add(f64_sub(e[u], upper), e_rest[u]));
    }
    const double sum = f64_total(high);
    if (sum != sum) return 0;
    f64x8_sum inverse = pair_inverse(pair_set1(sum, f64_total(low)));
    inverse.high = f64_mul(inverse.high, f64_set1(SD_SCALE));
    inverse.low = f64_mul(inverse.low, f64_set1(SD_SCALE));
    for (int u = 0; u < group; u++) {
        const f64x8 rest = f64_fma(e[u], inverse.low, f64_mul(e_rest[u], inverse.high));
        const f64x8 scaled = f64_fma(e[u], inverse.high, rest);
        out[u] = f64_fma(scaled, f64_set1(SD_UNSCALE), f64_set1(0));
    }
    return 1;
}
