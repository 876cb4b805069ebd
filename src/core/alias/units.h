/* Turns copies of weights into units, the integers nearest to 2^64 * weight / W, where W is the sum of the
 * weights, and marks them (step 2 of alias_build.c).
 *
 * The products are computed in double-double arithmetic, with an error of at most 2^-38. The operations are
 * part of a stream's definition: others could round products that are close to a tie differently. */

/* The integers nearest to 2^64 * (high + low) / W, modulo 2^64, where low is NULL if there is none. *rest
 * becomes the product less the integer, with an error of at most 2^-38. */
SD_INLINE u64x8 round_product(const sd_ratio *ratio, f64x8 high, const f64x8 *low, f64x8 *rest) {
    const f64x8 r_high = f64_set1(ratio->high), r_low = f64_set1(ratio->low);
    high = f64_mul(high, f64_set1(ratio->prescale));
    const f64x8 product = f64_mul(high, r_high);
    f64x8 cross = f64_mul(high, r_low);
    if (low) cross = f64_add(cross, f64_mul(f64_mul(*low, f64_set1(ratio->prescale)), r_high));
    const f64x8 tail = f64_add(f64_mul_error(high, r_high, product), cross);
    /* Adding 1.5 * 2^52 rounds to an integer and has it in the low bits of the sum; subtracting that again
     * gives the integer as a double. So are rounded the multiples of 2^32, what is left, and what the tail
     * adds. */
    const f64x8 round = f64_set1(0x1.8p52);
    const f64x8 upper = f64_add(f64_mul(product, f64_set1(0x1p-32)), round);
    const f64x8 middle = f64_sub(product, f64_mul(f64_sub(upper, round), f64_set1(0x1p32)));
    const f64x8 lower = f64_add(middle, round);
    const f64x8 fraction = f64_add(f64_sub(middle, f64_sub(lower, round)), tail);
    const f64x8 nearest = f64_add(fraction, round);
    *rest = f64_sub(fraction, f64_sub(nearest, round));
    const u64x8 twice_round = u64_add(f64_bits(round), f64_bits(round));
    const u64x8 unit = u64_add(u64_sub(u64_shl(f64_bits(upper), 32), twice_round),
                               u64_add(f64_bits(lower), f64_bits(nearest)));
    return SD_WORD_BITS < 64 ? u64_shl_by(unit, 64 - SD_WORD_BITS) : unit;
}

/* Integers below 2^32 to doubles: put into the low bits of 2^52, which is then subtracted. */
SD_INLINE f64x8 small_to_f64(u64x8 integer) {
    const f64x8 base = f64_set1(0x1p52);
    return f64_sub(f64_from_bits(u64_or(integer, f64_bits(base))), base);
}

/* The units of eight copies. An integer above 2^53 is taken as a double and the rest that this leaves, so
 * that equal weights of different types have equal units. */
SD_INLINE u64x8 round_copy(const sd_ratio *ratio, u64x8 copy, const int is_integer, f64x8 *rest) {
    if (!is_integer) return round_product(ratio, f64_from_bits(copy), NULL, rest);
    const f64x8 upper = f64_mul(small_to_f64(u64_shr_by(copy, 32)), f64_set1(0x1p32));
    const f64x8 lower = small_to_f64(u64_and(copy, u64_set1(0xffffffff)));
    const f64x8 high = f64_add(upper, lower);
    const f64x8 low = f64_sub(lower, f64_sub(high, upper));
    return round_product(ratio, high, &low, rest);
}

/* Replaces n copies by their units, sets the marks, and returns the sum of the units modulo 2^64. A product
 * within 2^-36 of an integer is not marked as rounded up or down, since it is not certain which it was. */
SD_INLINE uint64_t round_copies(uint64_t *copy, size_t n, const int is_integer, const sd_ratio *ratio,
                                uint64_t capacity, const sd_marks *marks) {
    const u64x8 bucket = u64_set1(capacity), zero = u64_set1(0);
    const f64x8 above = f64_set1(0x1p-36), below = f64_set1(-0x1p-36);
    u64x8 sum = zero;
    for (size_t word = 0; 64 * word < n; word++) {
        uint64_t rounded_down = 0, rounded_up = 0, lost = 0, light = 0, heavy = 0;
        for (size_t j = 0, i = 64 * word; j < 64 && i < n; i += 8, j += 8) {
            uint64_t last[8] = {0}, *at = copy + i;
            const int whole = n - i >= 8;
            if (!whole) at = memcpy(last, copy + i, (n - i) * sizeof *copy);
            const u64x8 weight = u64_load(at);
            f64x8 rest;
            const u64x8 unit = round_copy(ratio, weight, is_integer, &rest);
            u64_store(at, unit);
            if (!whole) memcpy(copy + i, last, (n - i) * sizeof *copy);
            sum = u64_add(sum, unit);
            rounded_down |= (uint64_t)f64_mask_lt(above, rest) << j;
            rounded_up |= (uint64_t)f64_mask_lt(rest, below) << j;
            light |= (uint64_t)u64_mask_lt(unit, bucket) << j;
            heavy |= (uint64_t)u64_mask_lt(bucket, unit) << j;
            const unsigned is_zero = u64_mask_eq(unit, zero);
            if (is_zero) lost |= (uint64_t)(is_zero & ~u64_mask_eq(weight, zero)) << j;
        }
        marks->rounded_down[word] = rounded_down;
        marks->rounded_up[word] = rounded_up;
        marks->lost[word] = lost;
        marks->light[word] = light;
        marks->heavy[word] = heavy;
    }
    uint64_t lane[8], total = 0;
    u64_store(lane, sum);
    for (int i = 0; i < 8; i++) total += lane[i];
    return total;
}

static uint64_t round_units(uint64_t *copy, size_t n, int is_integer, const sd_ratio *ratio,
                            uint64_t capacity, const sd_marks *marks) {
    return is_integer ? round_copies(copy, n, 1, ratio, capacity, marks)
                      : round_copies(copy, n, 0, ratio, capacity, marks);
}
