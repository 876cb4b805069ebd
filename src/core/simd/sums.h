/* The sums of arith/sums.h on packs: each lane keeps what rounding loses. */

/* Returns a + b, and sets *lost to the rounding error, whichever of the two is larger (Knuth's TwoSum). */
SD_INLINE f64x8 f64_two_sum(f64x8 a, f64x8 b, f64x8 *lost) {
    const f64x8 sum = f64_add(a, b), b_part = f64_sub(sum, a);
    *lost = f64_add(f64_sub(a, f64_sub(sum, b_part)), f64_sub(b, b_part));
    return sum;
}
SD_INLINE f32x16 f32_two_sum(f32x16 a, f32x16 b, f32x16 *lost) {
    const f32x16 sum = f32_add(a, b), b_part = f32_sub(sum, a);
    *lost = f32_add(f32_sub(a, f32_sub(sum, b_part)), f32_sub(b, b_part));
    return sum;
}

/* Adds value to *total, and the rounding error of that addition to *rest. */
SD_INLINE void f64_two_sum_into(f64x8 *total, f64x8 *rest, f64x8 value) {
    f64x8 lost;
    *total = f64_two_sum(*total, value, &lost);
    *rest = f64_add(*rest, lost);
}

/* Returns s + e, and sets *taken to what the sum has taken of e. If e is in no lane larger than s, that is
 * exact (Dekker's FastTwoSum), and e - *taken is what rounding loses. */
SD_INLINE pack_t add_larger(pack_t s, pack_t e, pack_t *taken) {
    const pack_t sum = v_add(s, e);
    *taken = v_sub(sum, s);
    return sum;
}
