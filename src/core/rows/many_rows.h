/* The numbers that short rows need once per row, from the maximum to the inverse of the sum: computed for
 * eight rows at once in packs of doubles, and stored, so that each row can read its own. For
 * softmax_short.h and sampling/short_rows.h.
 *
 * A row is ordinary if it needs no shift (reduction.h) and has no NaN. Functions on many rows return 1 if
 * all rows are ordinary as far as they can tell, else 0. */

/* Element i is row i's; the last WIDTH - 8 elements are not used. */
typedef struct {
    real_t max[WIDTH], c_hi[WIDTH], c_lo[WIDTH], floor[WIDTH], rounder[WIDTH];
    real_t inverse_high[WIDTH], inverse_low[WIDTH];
} short_rows_t;

/* Makes the reductions of eight rows from their maxima and temperatures t. */
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

/* Makes the inverses of eight sums high + low. */
SD_INLINE int invert_short_sums(short_rows_t *rows, f64x8 high, f64x8 low) {
    inverse_t inverse;
    const int ordinary = invert_eight(&inverse, high, low);
    v_store(rows->inverse_high, inverse.high);
    v_store(rows->inverse_low, inverse.low);
    return ordinary;
}
