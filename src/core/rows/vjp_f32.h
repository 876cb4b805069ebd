/* The arithmetic of vjp.h, which explains p, g and T, for float32. It is done in doubles, where products of
 * two floats are exact, so that no fma is needed, and where no exponent gets out of range. */

/* 1 / T, with T clamped to bounds at which, as beyond them, every result is 0 or infinite. */
typedef f64x8 vjp_temperature_t;

SD_INLINE vjp_temperature_t make_vjp_temperature(double t) {
    return f64_set1(1 / (t < 0x1p-1000 ? 0x1p-1000 : t > 0x1p1000 ? 0x1p1000 : t));
}

/* Adds products p g to the sums: lanes 0 to 7 to *low, the others to *high. */
SD_INLINE void add_products(f64x8 *low, f64x8 *high, f32x16 p, f32x16 g) {
    *low = f64_add(*low, f64_mul(f32_low_to_f64(p), f32_low_to_f64(g)));
    *high = f64_add(*high, f64_mul(f32_high_to_f64(p), f32_high_to_f64(g)));
}

/* The sum of p g over a row. */
typedef struct { double high; } vjp_sum_t;

static vjp_sum_t find_vjp_sum(const float *p, const float *g, size_t n, const vjp_temperature_t *t) {
    (void)t; /* float64 needs it */
    f64x8 a = f64_set1(0), b = a, c = a, d = a;
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        add_products(&a, &b, f32_load(p + i), f32_load(g + i));
        add_products(&c, &d, f32_load(p + i + 16), f32_load(g + i + 16));
    }
    if (i < n) add_products(&a, &b, load_padded(p + i, n - i, 0), load_padded(g + i, n - i, 0));
    i += 16;
    if (i < n) add_products(&c, &d, load_padded(p + i, n - i, 0), load_padded(g + i, n - i, 0));
    const vjp_sum_t sum = {f64_reduce_add(f64_add(f64_add(a, b), f64_add(c, d)))};
    return sum;
}

/* What the gradient of one row is computed from: sum(p g) and 1 / T. */
typedef struct { f64x8 sum, inverse; } vjp_writer_t;

SD_INLINE vjp_writer_t make_vjp_writer(const vjp_sum_t *sum, const vjp_temperature_t *t) {
    const vjp_writer_t w = {f64_set1(sum->high), *t};
    return w;
}

SD_INLINE f32x16 compute_gradient(const vjp_writer_t *w, f32x16 p, f32x16 g) {
    const f64x8 low = f64_sub(f32_low_to_f64(g), w->sum), high = f64_sub(f32_high_to_f64(g), w->sum);
    const f32x16 r = f32_from_f64(f64_mul(f64_mul(f32_low_to_f64(p), low), w->inverse),
                                  f64_mul(f64_mul(f32_high_to_f64(p), high), w->inverse));
    return f32_add(r, f32_set1(0)); /* -0 becomes +0 */
}
