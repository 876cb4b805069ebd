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

/* Adds `group` packs z to *s, one after the other. z becomes what the sums have taken of them, exactly
 * (Dekker's FastTwoSum), if none is larger than *s in its lane: what is not taken is lost by rounding. */
SD_INLINE void add_in_turn(pack_t *s, const int group, pack_t *z) {
    FOR_EACH_PACK {
        const pack_t sum = v_add(*s, z[u]);
        z[u] = v_sub(sum, *s);
        *s = sum;
    }
}
