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

/* Finds the excesses (excess.h) of eight rows: `others` is how many items besides one are equal to the
 * maximum, sum + rest is the exponentials of those that are not, and s (1 + q) are those of the maxima. Every
 * step is that of sum_excess (excess.h), where an accumulator has one block that starts at 0. */
SD_INLINE void find_excesses(const f32x16 *sum, const f32x16 *rest, f64x8 others, f32x16 s, f32x16 q,
                             f64x8 *high, f64x8 *low) {
    const f64x8 unscale = f64_set1(UNSCALE), s_part = f32_low_to_f64(s);
    const f64x8 of_max = f64_mul(f64_add(s_part, f64_mul(s_part, f32_low_to_f64(q))), unscale);
    f64x8 totals[8];
    for (int i = 0; i < 8; i++)
        totals[i] = f64_add(f64_add(f32_low_to_f64(sum[i]), f32_low_to_f64(rest[i])),
                            f64_add(f32_high_to_f64(sum[i]), f32_high_to_f64(rest[i])));
    *high = f64_add(others, f64_div(f64_mul(f64_reduce_add_8(totals), unscale), of_max));
    *low = f64_set1(0); /* which float32 does not need */
}

SD_INLINE f64x8 write_half(const log_writer_t *w, f64x8 x) {
    return f64_fms(f64_sub(x, f64_set1(w->max)), f64_set1(w->inverse), f64_set1(w->log_sum));
}

SD_INLINE f32x16 write_log(const log_writer_t *w, f32x16 x) {
    const f32x16 y = f32_from_f64(write_half(w, f32_low_to_f64(x)), write_half(w, f32_high_to_f64(x)));
    return f32_add(y, f32_set1(0)); /* -0 becomes +0 */
}
