/* The arithmetic of many_rows.h and softmax_columns.h for float32: the reductions (reduction.h) of many
 * rows and the inverses of their sums, in packs of doubles. */

/* The parts of the reductions of eight rows. */
typedef struct { f64x8 c, c_hi, floor, power; } eight_reductions_t;

/* Makes the reductions of eight rows from maxima and temperatures t. Returns 0 if a row needs a shift. */
SD_INLINE int reduce_in_doubles(eight_reductions_t *r, f64x8 max, f64x8 t) {
    const f64x8 to_integer = f64_set1(SD_TO_INTEGER);
    r->c = f64_div(f64_set1(SD_LOG2E_HI), t);
    const f64x8 offset = f64_mul(max, r->c);
    r->c_hi = f64_mul(r->c, f64_set1(1 - 0x1p-24));
    r->floor = f64_sub(max, f64_mul(t, f64_set1(CLAMP_BITS / SD_LOG2E_HI)));
    r->power = f64_sub(f64_add(offset, to_integer), to_integer);
    return are_ordinary(offset, t);
}

SD_INLINE lane_reductions_t combine_lanes(const eight_reductions_t *low, const eight_reductions_t *high) {
    lane_reductions_t l;
    l.c_hi = f32_from_f64(low->c_hi, high->c_hi);
    l.c_lo =
        f32_from_f64(f64_sub(low->c, f32_low_to_f64(l.c_hi)), f64_sub(high->c, f32_high_to_f64(l.c_hi)));
    l.floor = f32_from_f64(low->floor, high->floor);
    l.rounder = f32_sub(f32_set1(ROUNDER), f32_from_f64(low->power, high->power));
    return l;
}

/* Makes the reductions of 16 rows side by side. Returns 0 if a row needs a shift. */
SD_BODY int reduce_lanes(lane_reductions_t *lanes, f32x16 max, const double *t) {
    eight_reductions_t low, high;
    const int ordinary = reduce_in_doubles(&low, f32_low_to_f64(max), f64_load(t)) &
                         reduce_in_doubles(&high, f32_high_to_f64(max), f64_load(t + 8));
    *lanes = combine_lanes(&low, &high);
    return ordinary;
}

/* The same for eight rows, in both halves of the packs. */
SD_INLINE int reduce_eight(lane_reductions_t *lanes, f64x8 max, f64x8 t) {
    eight_reductions_t eight;
    const int ordinary = reduce_in_doubles(&eight, max, t);
    *lanes = combine_lanes(&eight, &eight);
    return ordinary;
}

SD_INLINE f32x16 narrow_eight(f64x8 a) { return f32_from_f64(a, a); }

/* Rounds 16 inverses, of lanes 0 to 7 and 8 to 15, to floats, and keeps what that loses as low parts. */
SD_INLINE inverse_t split_inverses(f64x8 low, f64x8 high) {
    inverse_t r;
    r.high = f32_from_f64(low, high);
    r.low = f32_from_f64(f64_sub(low, f32_low_to_f64(r.high)), f64_sub(high, f32_high_to_f64(r.high)));
    return r;
}

/* Makes the inverses of 16 sums high + low, times SCALE. Returns 0 if a sum is NaN. When GCC 12.2 inlines
 * this in the scalar tier at -O2, it gets two lanes wrong, which test_softmax.c shows. */
SD_BODY int invert_lanes(inverse_t *inverse, f32x16 high, f32x16 low) {
    const f64x8 a = f64_add(f32_low_to_f64(high), f32_low_to_f64(low));
    const f64x8 b = f64_add(f32_high_to_f64(high), f32_high_to_f64(low));
    const f64x8 scale = f64_set1(SCALE), zero = f64_set1(0);
    *inverse = split_inverses(f64_div(scale, a), f64_div(scale, b));
    return (f64_mask_ge(a, zero) & f64_mask_ge(b, zero)) == 255;
}

SD_INLINE int invert_eight(inverse_t *inverse, f64x8 high, f64x8 low) {
    const f64x8 sum = f64_add(high, low), scaled = f64_div(f64_set1(SCALE), sum);
    *inverse = split_inverses(scaled, scaled);
    return f64_mask_ge(sum, f64_set1(0)) == 255;
}
