/* float32 rows of at most a pack. They need no table of their own: exponentials are taken relative to
 * the power of two below the maximum's, which is integer arithmetic, and widened to float64, where sum
 * and quotient lose nothing, so that they are computed once. Rows that must be moved, or hold a NaN or
 * an infinity, are left to softmax_body.h. */
typedef struct {
    reduction_f32 reduction;
    exp2_table_f32 table;
    double cutoff;
    int usable;
} short_rows_f32;

enum { F(SHORT) = SD_WIDTH };

SD_INLINE short_rows_f32 short_rows_make_f32(const temperature_f32 *t, size_t n) {
    short_rows_f32 r = {0};
    r.usable = n <= F(SHORT) && t->c > 0 && t->s1 == 1 && t->s2 == 1;
    if (!r.usable) return r;
    r.reduction.c_hi = t->c_hi;
    r.reduction.c_lo = t->c_lo;
    r.table = exp2_table_scaled_f32(SD_SCALE, 0);
    r.cutoff = SD_CUTOFF / t->c;
    return r;
}

/* The results of x, of which there is one pack; 0, and nothing, for a row that is left to others. */
SD_INLINE int short_row_f32(const short_rows_f32 *rows, const int group, const f32x16 *x, f32x16 *out) {
    (void)group;
    reduction_f32 r = rows->reduction;
    const float max = f32_largest(x[0]);
    const double offset = (double)max * (double)r.c_hi;
    if (!(offset <= SD_OFFSET && offset >= -SD_OFFSET)) return 0;
    r.floor = (float)((double)max - rows->cutoff);
    const i32x16 k_max = f32_bits(f32_fma(f32_set1(max), f32_set1(r.c_hi), f32_set1(SD_EIGHTHS)));
    f32x16 s, q;
    exponential_f32(&r, &rows->table, 1, x, 0, 1, &s, &q);
    s = f32_from_bits(i32_sub(f32_bits(s), i32_shl(i32_and(k_max, i32_set1(~7u)), 20)));
    const f64x8 s_low = f32_low_to_f64(s), s_high = f32_high_to_f64(s);
    const f64x8 low = f64_fma(s_low, f32_low_to_f64(q), s_low);
    const f64x8 high = f64_fma(s_high, f32_high_to_f64(q), s_high);
    const double sum = f64_total(f64_add(low, high));
    if (sum != sum) return 0;
    const f64x8 inverse = f64_set1(SD_SCALE / sum);
    const f32x16 scaled = f32_from_f64(f64_mul(low, inverse), f64_mul(high, inverse));
    *out = f32_fma(scaled, f32_set1(SD_UNSCALE), f32_set1(0));
    return 1;
}
