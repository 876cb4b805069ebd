/* Exponentials of `group` packs of one row, the same for float32 and float64: exp2_f32.h and exp2_f64.h
 * have the arithmetic, and say what the parameters mean. */
SD_BODY void compute_exponentials(const reduction_t *r, const division_t *division, const int group,
                                  const pack_t *x, const int range_mode, const int on_grid, pack_t *s,
                                  pack_t *q) {
    const lane_reductions_t l = {v_set1(r->c_hi), v_set1(r->c_lo), v_set1(r->floor), v_set1(r->rounder)};
    compute_lane_exponentials(&l, r, division, group, x, range_mode, on_grid, s, q);
}

SD_BODY void compute_row_exponentials(const reduction_t *r, const int group, const pack_t *x, pack_t *s, pack_t *q, pack_t *of_sum) {
    const lane_reductions_t l = {v_set1(r->c_hi), v_set1(r->c_lo), v_set1(r->floor), v_set1(r->rounder)};
    compute_short_exponentials(&l, r, NULL, group, x, CLAMP, 1, s, q, of_sum);
}
