/* The sums of moments.h over a float32 row, for entropy.h. They are doubles, which hold products of two
 * floats exactly, so that no fma is needed. Where moments.h has d = (max - x) / T, d is max - x here, and
 * `first`, the sum of d times its weight, is divided by T in the end. */
typedef struct { f64x8 others, first, max, lowest; double t; } moment_sums_t;

SD_INLINE moment_sums_t make_moment_sums(double t, float max) {
    moment_sums_t m = {f64_set1(0), f64_set1(0), f64_set1((double)max), f64_set1(0), t};
    m.lowest = f64_set1((double)max - t * (CLAMP_BITS / SD_LOG2E_HI));
    return m;
}

/* Adds half a pack: x, and its exponentials s (1 + q) of exp2_f32.h. Below m->lowest the exponential is
 * clamped, and d, which may be infinite, is taken as 0. */
SD_INLINE void add_moments_half(moment_sums_t *m, f64x8 x, f64x8 s, f64x8 q) {
    const f64x8 e = f64_add(s, f64_mul(s, q));
    const f64x8 d = f64_where_ge(x, m->lowest, f64_sub(m->max, x), f64_set1(0));
    m->others = f64_add(m->others, e);
    m->first = f64_add(m->first, f64_mul(d, e));
}

SD_INLINE void add_moments(moment_sums_t *m, f32x16 x, f32x16 s, f32x16 q) {
    add_moments_half(m, f32_low_to_f64(x), f32_low_to_f64(s), f32_low_to_f64(q));
    add_moments_half(m, f32_high_to_f64(x), f32_high_to_f64(s), f32_high_to_f64(q));
}

/* Returns the sums relative to the maximum's exponential, which is `max`. */
SD_INLINE sd_moments total_moments(const moment_sums_t *m, double ties, sd_sum max) {
    const double factor = UNSCALE / max.high;
    const sd_moments r = {ties, f64_reduce_add(m->others) * factor, 0,
                          f64_reduce_add(m->first) * factor / m->t, 0, 0};
    return r;
}
