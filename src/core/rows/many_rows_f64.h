/* The arithmetic of many_rows.h and softmax_columns.h for float64: many_rows_f32.h, with the same
 * functions. A pack has eight lanes here, so that eight rows are all that go side by side. */

SD_INLINE int reduce_eight(lane_reductions_t *lanes, f64x8 max, f64x8 t) {
    const f64x8 log2e = f64_set1(SD_LOG2E_HI), to_integer = f64_set1(SD_TO_INTEGER);
    const f64x8 c = f64_mul(f64_div(log2e, t), f64_set1(1 - 0x1p-53));
    const f64x8 rest = f64_sub(f64_set1(0), f64_fms(c, t, log2e)), offset = f64_mul(max, c);
    const f64x8 power = f64_sub(f64_add(offset, to_integer), to_integer);
    lanes->c_hi = c;
    lanes->c_lo = f64_div(f64_add(rest, f64_set1(SD_LOG2E_LO)), t);
    lanes->floor = f64_sub(max, f64_mul(t, f64_set1(CLAMP_BITS / SD_LOG2E_HI)));
    lanes->rounder = f64_sub(f64_set1(ROUNDER), power);
    return are_ordinary(offset, t);
}

SD_BODY int reduce_lanes(lane_reductions_t *lanes, f64x8 max, const double *t) {
    return reduce_eight(lanes, max, f64_load(t));
}

SD_INLINE f64x8 narrow_eight(f64x8 a) { return a; }

SD_BODY int invert_lanes(inverse_t *inverse, f64x8 high, f64x8 low) {
    const f64x8 sum = f64_add(high, low), unscale = f64_set1(UNSCALE);
    const f64x8 rest = f64_sub(low, f64_sub(sum, high)); /* FastTwoSum, for high is the larger */
    *inverse = invert_pair(f64_mul(sum, unscale), f64_mul(rest, unscale));
    return f64_mask_ge(sum, f64_set1(0)) == 255;
}

SD_INLINE int invert_eight(inverse_t *inverse, f64x8 high, f64x8 low) {
    return invert_lanes(inverse, high, low);
}
