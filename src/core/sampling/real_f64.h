/* What draws need of float64; real_f32.h says what each name means. */

SD_INLINE double next_up(double a) { return sd_f64_next_up(a); }

#define HALF_ULP 0x1p-53

SD_INLINE f64x8 widen(f64x8 a) { return a; }

typedef struct { f64x8 s; } mass_sum_t;

SD_INLINE mass_sum_t make_mass_sum(f64x8 start) {
    (void)start; /* sums are plain: float64 rounds little enough */
    const mass_sum_t r = {f64_set1(0)};
    return r;
}
SD_INLINE void add_masses(mass_sum_t *a, const int group, const f64x8 *e) {
    FOR_EACH_PACK a->s = f64_add(a->s, e[u]);
}
SD_INLINE double total_masses(const mass_sum_t *a) { return f64_reduce_add(a->s); }

SD_INLINE double read_one(const void *x, int format, size_t i) {
    (void)format; /* there is no other */
    return ((const double *)x)[i];
}

SD_INLINE f64x8 read_items(const void *x, int format, size_t i, size_t left) {
    const double *p = (const double *)x + i;
    (void)format;
    return left >= 8 ? f64_load(p) : f64_load_n(p, left, -(double)INFINITY);
}

SD_INLINE f64x8 find_lane_bounds(f64x8 max, const double *t, f64x8 distances, f64x8 none) {
    const f64x8 least = f64_sub(max, f64_mul(f64_load(t), distances));
    (void)none; /* there are only eight rows */
    return f64_max(least, f64_set1(-LARGEST));
}

SD_INLINE void store_doubles(f64x8 a, double *out) { f64_store(out, a); }
SD_INLINE f64x8 load_doubles(const double *a) { return f64_load(a); }

#define EXACT_RATIO 1.0

typedef struct { f64x8 sum; } column_sum_t;

SD_INLINE void add_column(column_sum_t *a, f64x8 e, double *sums) {
    a->sum = f64_add(a->sum, e);
    f64_store(sums, a->sum);
}
