/* The sums of arith/sums.h on packs of doubles: each lane keeps what rounding loses. */

/* Adds value to *total, and the rounding error of that addition to *rest (Knuth's TwoSum). */
SD_INLINE void f64_two_sum_into(f64x8 *total, f64x8 *rest, f64x8 value) {
    const f64x8 sum = f64_add(*total, value), part = f64_sub(sum, *total);
    const f64x8 lost = f64_add(f64_sub(*total, f64_sub(sum, part)), f64_sub(value, part));
    *total = sum;
    *rest = f64_add(*rest, lost);
}
