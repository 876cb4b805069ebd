/* What each of eight short rows has one number of, from its maximum to the inverse of its sum: computed for
 * all eight at once in packs of doubles, and stored, so that each row can be given its own. */

typedef struct {
    real_t max[WIDTH], c_hi[WIDTH], c_lo[WIDTH], floor[WIDTH], rounder[WIDTH];
    real_t inverse_high[WIDTH], inverse_low[WIDTH];
} short_rows_t;

/* Reduces eight rows from their maxima and temperatures. Like other functions on many rows, it returns 0
 * if a row is not ordinary: if it needs a shift or has NaN. */
SD_INLINE int reduce_short_rows(short_rows_t *rows, f64x8 max, f64x8 t) {
    lane_reductions_t lanes;
    const int ordinary = reduce_eight(&lanes, max, t);
    v_store(rows->max, narrow_eight(max));
    v_store(rows->c_hi, lanes.c_hi);
    v_store(rows->c_lo, lanes.c_lo);
    v_store(rows->floor, lanes.floor);
    v_store(rows->rounder, lanes.rounder);
    return ordinary;
}

SD_INLINE reduction_t get_reduction(const short_rows_t *rows, int i) {
    const reduction_t r = {rows->c_hi[i], rows->c_lo[i], 1, 1, 0, rows->floor[i], rows->rounder[i], 0};
    return r;
}

/* Inverts eight sums, each in two parts. */
SD_INLINE int invert_short_sums(short_rows_t *rows, f64x8 high, f64x8 low) {
    inverse_t inverse;
    const int ordinary = invert_eight(&inverse, high, low);
    v_store(rows->inverse_high, inverse.high);
    v_store(rows->inverse_low, inverse.low);
    return ordinary;
}
