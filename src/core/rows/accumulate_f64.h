/* Running sums of float64 exponentials: accumulate_f32.h for float64, with the same functions. After every
 * block of SUM_ITEMS the sum of each lane is moved into the pair of doubles total + rest. */
typedef struct { f64x8 s, c, start, total, rest; } accumulator_t;

SD_INLINE void start_accumulator(accumulator_t *a, f64x8 start) {
    a->s = a->start = start;
    a->c = f64_set1(0);
}

SD_INLINE accumulator_t make_accumulator(void) {
    accumulator_t a;
    a.s = a.c = a.start = a.total = a.rest = f64_set1(0);
    return a;
}

SD_INLINE void scale_accumulator(accumulator_t *a, double factor) {
    a->total = f64_mul(a->total, f64_set1(factor));
    a->rest = f64_mul(a->rest, f64_set1(factor));
}

SD_INLINE void flush_accumulator(accumulator_t *a) {
    f64_two_sum_into(&a->total, &a->rest, a->s);
    f64_two_sum_into(&a->total, &a->rest, f64_sub(f64_set1(0), a->start));
    a->rest = f64_add(a->rest, a->c);
}

/* Returns the sum of all lanes of high + low, added as a tree, without SCALE. */
SD_INLINE sd_sum total_pairs(f64x8 high, f64x8 low) {
    double total[8], rest[8];
    f64_store(total, high);
    f64_store(rest, low);
    sd_sum lane[8];
    for (int i = 0; i < 8; i++) lane[i] = sd_two_sum(total[i], rest[i]);
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = sd_sum_add(lane[i], lane[i + half]);
    return sd_sum_scale(lane[0], UNSCALE);
}

SD_INLINE sd_sum total_accumulator(const accumulator_t *a) { return total_pairs(a->total, a->rest); }

/* Returns the first exponential, in units of 1 / SCALE as it was computed. */
SD_INLINE sd_sum read_scaled_exponential(f64x8 s, f64x8 q) {
    const f64x8 high = f64_fma(s, q, s), low = f64_fma(s, q, f64_sub(s, high));
    const sd_sum r = {f64_first(high), f64_first(low)};
    return r;
}

SD_INLINE sd_sum read_exponential(f64x8 s, f64x8 q) {
    return sd_sum_scale(read_scaled_exponential(s, q), UNSCALE);
}

/* Numbers high + low, one in each lane. */
typedef struct { f64x8 high, low; } pairs_t;

SD_INLINE pairs_t two_sum_of_lanes(f64x8 a, f64x8 b) {
    pairs_t r;
    r.high = f64_two_sum(a, b, &r.low);
    return r;
}

/* Returns high + low times b, except for the last bits of its low part. */
SD_INLINE pairs_t multiply_lanes(f64x8 high, f64x8 low, inverse_t b) {
    const f64x8 product = f64_mul(high, b.high);
    return two_sum_of_lanes(
        product, f64_fma(high, b.low, f64_fma(low, b.high, f64_fms(high, b.high, product))));
}

SD_INLINE sd_sum multiply_pairs(sd_sum a, inverse_t b) {
    const pairs_t product = multiply_lanes(f64_set1(a.high), f64_set1(a.low), b);
    const sd_sum r = {f64_first(product.high), f64_first(product.low)};
    return r;
}

SD_INLINE sd_sum divide_sums(sd_sum a, sd_sum b) { return multiply_pairs(a, make_inverse(b)); }

SD_INLINE sd_sum multiply_sums(sd_sum a, sd_sum b) {
    const inverse_t pair = {f64_set1(b.high), f64_set1(b.low)};
    return multiply_pairs(a, pair);
}

SD_INLINE int invert_split_sum(inverse_t *inverse, double high, double low) {
    const double sum = high + low;
    const sd_sum both = {sum, low - (sum - high)};
    *inverse = make_inverse(sd_sum_scale(both, UNSCALE));
    return sum >= 0;
}
