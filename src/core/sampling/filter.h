/* What one row is filtered with: the parameters of its filters, and scratch. */

/* A filter that is off has top_k = n, top_p = 1 or min_p = 0. The rest is scratch, laid out as kernels.h
 * has it, and NULL where none is needed. */
typedef struct {
    const temperature_t *ready;
    double t;
    size_t top_k;
    double top_p, min_p;
    kept_items_t items;
    real_t *work, *group_maxima;
} filter_t;

/* The parameter of row r, from 0 to `most`, as sample.c has checked, or `off` if it is not given. Another thread
 * may change it after the check, so it is read once here, and off if it is no longer valid. */
SD_INLINE double read_parameter(const double *values, ptrdiff_t stride, size_t r, double most, double off) {
    if (!values) return off;
    const double value = *(const volatile double *)(values + (ptrdiff_t)r * stride);
    return value >= 0 && value <= most ? value : off;
}

/* The same for top_k, which is not 0, and off at n. */
SD_INLINE size_t read_top_k(const softdraw_filters *filters, size_t r, size_t n) {
    if (!filters->top_k) return n;
    const uint64_t k = *(const volatile uint64_t *)(filters->top_k + (ptrdiff_t)r * filters->top_k_stride);
    return k - 1 < n ? (size_t)k : n;
}

SD_INLINE double read_top_p(const softdraw_filters *filters, size_t r) {
    return read_parameter(filters->top_p, filters->top_p_stride, r, 1, 1);
}

SD_INLINE double read_min_p(const softdraw_filters *filters, size_t r) {
    return read_parameter(filters->min_p, filters->min_p_stride, r, 1, 0);
}

SD_INLINE double read_temperature(const softdraw_filters *filters, size_t r) {
    return read_parameter(filters->temperature, filters->temperature_stride, r, INFINITY, 1);
}

/* Finds the cutoff of f->items by weight, or by number if the rule is NULL, with copies in f->work, after
 * samples and their masses. Returns 0 if all of them do not reach the target. */
static int find_cutoff_of_kept(const filter_t *f, cutoff_t *cutoff, const mass_rule_t *rule,
                               double target) {
    real_t *copies = f->work + 2 * SD_MAX_SAMPLES;
    memcpy(copies, f->items.x, f->items.n * sizeof *copies);
    return rule ? find_cutoff_by_mass(cutoff, rule, copies, f->items.n, 0, target)
                : find_cutoff_by_count(cutoff, copies, f->items.n, target);
}
