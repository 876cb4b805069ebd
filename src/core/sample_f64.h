/* What draws need of float64, as sample_f32.h has it. */

#define SD_FAINT 1074.0

SD_INLINE f64x8 widened_f64(f64x8 a) { return a; }

typedef struct { f64x8 s; } mass_sum_f64;

SD_INLINE mass_sum_f64 mass_sum_make_f64(f64x8 start) {
    (void)start; /* sums in float64 are rounded */
    const mass_sum_f64 r = {f64_set1(0)};
    return r;
}
SD_INLINE void mass_sum_add_f64(mass_sum_f64 *a, const int group, const f64x8 *e) {
    SD_EACH a->s = f64_add(a->s, e[u]);
}
SD_INLINE double mass_sum_total_f64(const mass_sum_f64 *a) { return f64_total(a->s); }

SD_INLINE reduction_f64 reduction_equal_f64(void) {
    const reduction_f64 r = {0, 0, 1, 1, 0, -SD_LARGEST, SD_QUARTERS, 0};
    return r;
}

SD_INLINE double next_up_f64(double a) {
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    bits = a > 0 ? bits + 1 : a < 0 ? bits - 1 : 1;
    memcpy(&a, &bits, sizeof a);
    return a;
}

SD_INLINE double item_at_f64(const void *x, int format, size_t i) {
    (void)format; /* there is no other */
    return ((const double *)x)[i];
}

SD_INLINE f64x8 items_at_f64(const void *x, int format, size_t i, size_t left) {
    const double *p = (const double *)x + i;
    (void)format;
    return left >= 8 ? f64_load(p) : f64_load_n(p, left, -(double)INFINITY);
}

SD_INLINE f64x8 lanes_least_f64(f64x8 max, const double *t, double faint) {
    const f64x8 least = f64_sub(max, f64_mul(f64_load(t), f64_set1(faint)));
    return f64_max(least, f64_set1(-SD_LARGEST));
}

typedef struct { f64x8 sum; } column_sum_f64;

SD_INLINE void column_sum_add_f64(column_sum_f64 *a, f64x8 e, double *sums) {
    a->sum = f64_add(a->sum, e);
    f64_store(sums, a->sum);
}
