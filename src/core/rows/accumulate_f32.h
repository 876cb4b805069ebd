/* Running sums of float32 exponentials over a row, and quotients of such sums.
 *
 * In each lane of a pack the sum of a block is s + c - start: s is a float, which begins at `start`, and c
 * is the sum of what roundings of s lost. After every block of SUM_ITEMS, flush_accumulator moves this into
 * doubles: low + low_rest for lanes 0 to 7, high + high_rest for lanes 8 to 15. The exponentials, and so
 * the sums, are multiplied by SCALE (real_f32.h). */
typedef struct {
    f32x16 s, c, start;
    f64x8 low, high, low_rest, high_rest;
} accumulator_t;

SD_INLINE void start_accumulator(accumulator_t *a, f32x16 start) {
    a->s = a->start = start;
    a->c = f32_set1(0);
}

SD_INLINE accumulator_t make_accumulator(void) {
    accumulator_t a;
    a.s = a.c = a.start = f32_set1(0);
    a.low = a.high = a.low_rest = a.high_rest = f64_set1(0);
    return a;
}

/* Multiplies the blocks that have been flushed by a power of two. */
SD_INLINE void scale_accumulator(accumulator_t *a, double factor) {
    const f64x8 factors = f64_set1(factor);
    a->low = f64_mul(a->low, factors);
    a->high = f64_mul(a->high, factors);
    a->low_rest = f64_mul(a->low_rest, factors);
    a->high_rest = f64_mul(a->high_rest, factors);
}

SD_INLINE void flush_accumulator(accumulator_t *a) {
    f64_two_sum_into(&a->low, &a->low_rest, f64_sub(f32_low_to_f64(a->s), f32_low_to_f64(a->start)));
    f64_two_sum_into(&a->high, &a->high_rest, f64_sub(f32_high_to_f64(a->s), f32_high_to_f64(a->start)));
    a->low_rest = f64_add(a->low_rest, f32_low_to_f64(a->c));
    a->high_rest = f64_add(a->high_rest, f32_high_to_f64(a->c));
}

/* Returns the sum of all lanes, added as a tree, without SCALE. Every block must have been flushed. */
SD_INLINE sd_sum total_accumulator(const accumulator_t *a) {
    const f64x8 low = f64_add(a->low, a->low_rest), high = f64_add(a->high, a->high_rest);
    const sd_sum r = {UNSCALE * f64_reduce_add(f64_add(low, high)), 0};
    return r;
}

/* Returns the exponential s (1 + q) of the first lane without SCALE; exp2_f32.h explains s and q. */
SD_INLINE sd_sum read_exponential(f32x16 s_pack, f32x16 q_pack) {
    const double s = f32_first(s_pack), q = f32_first(q_pack);
    const sd_sum r = {(s + s * q) * UNSCALE, 0};
    return r;
}

SD_INLINE sd_sum divide_sums(sd_sum a, sd_sum b) {
    const sd_sum r = {a.high / b.high, 0};
    return r;
}

SD_INLINE sd_sum multiply_sums(sd_sum a, sd_sum b) {
    const sd_sum r = {a.high * b.high, 0};
    return r;
}

/* Rounds a number to a float, in all lanes, and keeps what that loses as a second one. */
SD_INLINE inverse_t split_inverse(double inverse) {
    const float high = (float)inverse;
    const inverse_t r = {f32_set1(high), f32_set1((float)(inverse - (double)high))};
    return r;
}

SD_INLINE inverse_t make_inverse(sd_sum sum) { return split_inverse(1 / sum.high); }

/* Makes the inverse of a sum that is given as high + low, times SCALE. Returns 0 if it is NaN. */
SD_INLINE int invert_split_sum(inverse_t *inverse, float high, float low) {
    const double sum = (double)high + (double)low;
    *inverse = split_inverse(SCALE / sum);
    return sum >= 0;
}
