/* The arithmetic of log_softmax.h for float32, in doubles; T is the temperature. */

/* Returns logsumexp, which is max / T + log_sum, where log_sum = log(1 + excess). */
SD_INLINE float compute_logsumexp(float max, double t, sd_sum excess, double log_sum) {
    (void)excess;
    return (float)((double)max / t + log_sum) + 0; /* -0 becomes +0 */
}

/* What computes logarithms of probabilities, (x - max) / T - log_sum, where log_sum = log(1 + excess). No
 * term is positive, so nothing cancels. */
typedef struct { double max, inverse, log_sum; } log_writer_t;

SD_INLINE log_writer_t make_log_writer(double t, float max, double log_sum) {
    const log_writer_t r = {max, t < 0x1p-1020 ? DBL_MAX : 1.0 / t, log_sum};
    return r;
}

/* The same for rows side by side, rows 0 to 7 and 8 to 15. */
typedef struct { f64x8 max[2], inverse[2], log_sum[2]; } log_writers_t;

SD_INLINE log_writers_t make_log_writers(const double *t, const float *max, const double *log_sum) {
    log_writers_t r;
    double inverse[16], wide_max[16];
    for (int i = 0; i < 16; i++) {
        const log_writer_t w = make_log_writer(t[i], max[i], log_sum[i]);
        wide_max[i] = w.max;
        inverse[i] = w.inverse;
    }
    for (int half = 0; half < 2; half++) {
        r.max[half] = f64_load(wide_max + 8 * half);
        r.inverse[half] = f64_load(inverse + 8 * half);
        r.log_sum[half] = f64_load(log_sum + 8 * half);
    }
    return r;
}

SD_INLINE f64x8 write_half(const log_writers_t *w, const int half, f64x8 x) {
    return f64_fms(f64_sub(x, w->max[half]), w->inverse[half], w->log_sum[half]);
}

SD_INLINE f32x16 write_logs(const log_writers_t *w, f32x16 x) {
    const f32x16 y = f32_from_f64(write_half(w, 0, f32_low_to_f64(x)), write_half(w, 1, f32_high_to_f64(x)));
    return f32_add(y, f32_set1(0)); /* -0 becomes +0 */
}

SD_INLINE f32x16 write_log(const log_writer_t *w, f32x16 x) {
    const f64x8 max = f64_set1(w->max), inverse = f64_set1(w->inverse), log_sum = f64_set1(w->log_sum);
    const log_writers_t same = {{max, max}, {inverse, inverse}, {log_sum, log_sum}};
    return write_logs(&same, x);
}

/* Finds the excesses (excess.h) of 16 rows side by side: sum + rest is the exponentials of the items that are
 * not equal to the maximum, whose lanes are the packs here; `maxima` is how many others are, and s (1 + q) are
 * the exponentials of the maxima. Every step is that of sum_excess (excess.h), where an accumulator has one
 * block that starts at 0. */
SD_INLINE void find_excesses(const f32x16 *sum, const f32x16 *rest, f32x16 maxima, f32x16 s, f32x16 q,
                             f64x8 *high, f64x8 *low) {
    const f64x8 unscale = f64_set1(UNSCALE);
    SD_UNROLL for (int half = 0; half < 2; half++) { /* GCC 12.2 gets lanes of longer expressions wrong */
#define HALF_OF(a) (half ? f32_high_to_f64(a) : f32_low_to_f64(a))
        const f64x8 s_part = HALF_OF(s), others = f64_add(HALF_OF(maxima), f64_set1(-1));
        const f64x8 of_max = f64_mul(f64_add(s_part, f64_mul(s_part, HALF_OF(q))), unscale);
        f64x8 lane[8], total[16];
        for (int i = 0; i < 16; i++) total[i] = f64_add(HALF_OF(sum[i]), HALF_OF(rest[i]));
        for (int i = 0; i < 8; i++) lane[i] = f64_add(total[i], total[i + 8]);
#undef HALF_OF
        for (int part = 4; part > 0; part /= 2)
            for (int i = 0; i < part; i++) lane[i] = f64_add(lane[i], lane[i + part]);
        high[half] = f64_add(others, f64_div(f64_mul(lane[0], unscale), of_max));
        low[half] = f64_set1(0); /* which float32 does not need */
    }
}
