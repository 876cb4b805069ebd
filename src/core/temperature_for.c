/* softdraw_temperature_for_f64 of softdraw.h: the temperature T at which the softmax of a row has a given
 * entropy, perplexity (exp of the entropy) or top probability (the largest one).
 *
 * All three change with T in one direction only. So a bracket of two temperatures, at first 0 and infinity,
 * is narrowed until a T is close enough or no double is left inside. The next T is that of a Newton step
 * where these make good progress, and otherwise the middle of the bracket in the order of doubles, which
 * halves first the range of exponents and then that of fractions.
 *
 * Newton steps are taken on functions that are nearly lines. Let the rise be the entropy at T minus that at
 * T = 0, and the fall the entropy at infinity minus that at T. The logarithm of the rise is nearly linear
 * in 1 / T where T is small, that of the fall in log T where T is large; the one that is smaller at the
 * target is used. For the perplexity the target's logarithm is a target for the entropy. For the top
 * probability, which is 1 / sum(e^-d) with d = (max - x) / T, that sum takes the place of the entropy. */
#include "arith/bits.h"
#include "arith/host_state.h"
#include "kernels.h"
#include "softdraw.h"

/* After this many steps the bracket is only halved, so that at most 63 more passes over the row follow.
 * Newton steps take about 8. */
enum { MAX_NEWTON_STEPS = 60 };

/* What is to be attained, and what is known of the row. */
typedef struct {
    int quantity;
    double ties, count; /* how many x are the maximum, and how many are not -inf */
    double target;
    double rise, fall; /* at the target */
    double tolerance;  /* a unit in the last place of the target, on the scale of the rise and the fall */
} goal_t;

/* Returns a unit in the last place of a >= 0. */
static double compute_ulp(double a) { return sd_f64_next_up(a) - a; }

/* Whether a is within 4 ULP of the limit. */
static int is_near(double a, double limit) {
    const double slack = 4 * compute_ulp(limit);
    return a >= limit - slack && a <= limit + slack;
}

/* Returns log(a / b), given a - b, which can be known exactly where a and b are close. */
static double compute_log_ratio(double difference, double a, double b) {
    return difference >= 0 ? sd_log1p(difference / b) : -sd_log1p(-difference / a);
}

/* ---- functions of T, from the moments m of a row at T ------------------------------------------- */

/* Returns the entropy minus its target, or for the top probability the sum minus its target. */
static double compute_gap(const goal_t *goal, const sd_moments *m) {
    if (goal->quantity == SOFTDRAW_ENTROPY) return sd_entropy(m) - goal->target;
    if (goal->quantity == SOFTDRAW_TOP_PROB) return (m->others - goal->rise) + m->others_low;
    /* for the perplexity: not a difference of two large logarithms, which would cancel */
    const double sum = goal->ties + m->others;
    const double above = ((goal->ties - goal->target) + m->others) + m->others_low;
    return compute_log_ratio(above, sum, goal->target) + m->first / sum;
}

static double compute_rise(const goal_t *goal, const sd_moments *m) {
    if (goal->quantity == SOFTDRAW_TOP_PROB) return m->others;
    return sd_log1p(m->others / goal->ties) + m->first / (goal->ties + m->others);
}

static double compute_fall(const goal_t *goal, const sd_moments *m) {
    const double lacking = ((goal->count - goal->ties) - m->others) - m->others_low;
    const double sum = goal->ties + m->others;
    if (goal->quantity == SOFTDRAW_TOP_PROB) return lacking;
    return lacking >= 0 ? sd_log1p(lacking / sum) - m->first / sum : 0;
}

/* Returns the derivative with respect to log T of the entropy (the variance of d) or of the sum. */
static double compute_slope(const goal_t *goal, const sd_moments *m) {
    const double sum = goal->ties + m->others, mean = m->first / sum;
    return goal->quantity == SOFTDRAW_TOP_PROB ? m->first : m->second / sum - mean * mean;
}

/* Returns the T to which a Newton step from t leads, which may be any number or NaN. */
static double take_newton_step(const goal_t *goal, const sd_moments *m, double t, double gap) {
    if (goal->rise <= goal->fall) {
        const double rise = compute_rise(goal, m);
        return t / (1 + compute_log_ratio(gap, rise, goal->rise) * rise / compute_slope(goal, m));
    }
    const double fall = compute_fall(goal, m);
    const double step = compute_log_ratio(-gap, fall, goal->fall) * fall / compute_slope(goal, m);
    /* t e^step, except for terms of the third order */
    return step > 0 ? t * (1 + step + step * step / 2) : t / (1 - step + step * step / 2);
}

/* ---- the bracket -------------------------------------------------------------------------------- */

/* Returns the T that attains the goal, which lies between 0 and infinity. */
static double narrow_bracket(const sd_kernels *kernels, const goal_t *goal, const double *x, size_t n) {
    uint64_t low = sd_f64_bits(0), high = sd_f64_bits(INFINITY);
    const double small = (goal->rise < goal->fall ? goal->rise : goal->fall) * 0x1p-20;
    double low_gap = goal->rise, high_gap = goal->fall, t = 1;
    uint64_t step = high, step_before = high;
    for (int steps = 0; high - low > 1; steps++) {
        sd_moments m;
        kernels->find_moments(x, n, t, &m);
        const double gap = compute_gap(goal, &m), size = gap > 0 ? gap : -gap;
        if (size <= goal->tolerance) return t;
        if (gap > 0) high = sd_f64_bits(t), high_gap = size;
        else low = sd_f64_bits(t), low_gap = size;

        double next = take_newton_step(goal, &m, t, gap);
        const double change = next - t;
        /* the error of `next` is about the square of the change; with a small gap the change is no noise */
        if (size <= small && change <= t * 0x1p-36 && change >= t * -0x1p-36) return next;
        uint64_t length = step_before;
        if (next > sd_f64_of_bits(low) && next < sd_f64_of_bits(high))
            length = change > 0 ? sd_f64_bits(next) - sd_f64_bits(t) : sd_f64_bits(t) - sd_f64_bits(next);
        /* as in Brent's method, each step must be at most half as long as the last but one */
        if (length >= step_before / 2 || steps >= MAX_NEWTON_STEPS) {
            next = sd_f64_of_bits(low + (high - low) / 2);
            length = (high - low) / 2;
        }
        step_before = step;
        step = length;
        t = next;
    }
    return sd_f64_of_bits(low_gap <= high_gap ? low : high);
}

/* ---- a row -------------------------------------------------------------------------------------- */

/* Finds ties and count. Returns SOFTDRAW_OK or SOFTDRAW_ERROR_LOGIT. */
static int read_row(const sd_kernels *kernels, goal_t *goal, const double *x, size_t n) {
    sd_moments m = {sd_nan(), 0, 0, 0, 0, 0};
    if (n > 0) kernels->find_moments(x, n, INFINITY, &m);
    goal->ties = m.ties;
    goal->count = m.ties + m.others;
    return m.ties >= 1 ? SOFTDRAW_OK : SOFTDRAW_ERROR_LOGIT;
}

static int is_known(int quantity) {
    return quantity == SOFTDRAW_ENTROPY || quantity == SOFTDRAW_PERPLEXITY || quantity == SOFTDRAW_TOP_PROB;
}

/* Return the quantity at T = 0 and at T = infinity. */
static double compute_at_zero(const goal_t *goal) {
    if (goal->quantity == SOFTDRAW_ENTROPY) return sd_log1p(goal->ties - 1);
    return goal->quantity == SOFTDRAW_PERPLEXITY ? goal->ties : 1 / goal->ties;
}

static double compute_at_infinity(const goal_t *goal) {
    if (goal->quantity == SOFTDRAW_ENTROPY) return sd_log1p(goal->count - 1);
    return goal->quantity == SOFTDRAW_PERPLEXITY ? goal->count : 1 / goal->count;
}

static int is_attainable(const goal_t *goal) {
    const double a = compute_at_zero(goal), b = compute_at_infinity(goal), target = goal->target;
    if (is_near(target, a) || is_near(target, b)) return 1;
    return a < b ? target > a && target < b : target > b && target < a;
}

/* Returns the temperature for an attainable target, once ties and count are known. */
static double find_temperature(const sd_kernels *kernels, goal_t *goal, const double *x, size_t n) {
    const double target = goal->target;
    if (goal->ties == goal->count) return 1; /* any temperature would do */
    if (is_near(target, compute_at_zero(goal))) return 0;
    if (is_near(target, compute_at_infinity(goal))) return INFINITY;
    goal->tolerance = compute_ulp(target);
    if (goal->quantity == SOFTDRAW_ENTROPY) {
        goal->rise = target - compute_at_zero(goal);
        goal->fall = compute_at_infinity(goal) - target;
    } else if (goal->quantity == SOFTDRAW_PERPLEXITY) {
        goal->rise = compute_log_ratio(target - goal->ties, target, goal->ties);
        goal->fall = compute_log_ratio(goal->count - target, goal->count, target);
        goal->tolerance /= target;
    } else {
        goal->rise = (1 - goal->ties * target) / target;
        goal->fall = (goal->count * target - 1) / target;
        goal->tolerance /= target * target;
    }
    return narrow_bracket(kernels, goal, x, n);
}

/* Does what softdraw_temperature_for_f64 does, once its pointers are checked. */
static int find_temperatures(const sd_kernels *kernels, const double *x, ptrdiff_t x_stride, size_t rows,
                             size_t n, int quantity, const double *target, ptrdiff_t target_stride,
                             double *out, size_t *where) {
    goal_t goal = {0};
    goal.quantity = quantity;
    for (size_t r = 0; r < rows; r++) {
        int error = read_row(kernels, &goal, x + (ptrdiff_t)r * x_stride, n);
        goal.target = target[(ptrdiff_t)r * target_stride];
        if (!error && (!is_known(quantity) || !is_attainable(&goal))) error = SOFTDRAW_ERROR_TARGET;
        if (!error) continue;
        if (where) *where = r;
        return error;
    }
    for (size_t r = 0; r < rows; r++) {
        const double *row = x + (ptrdiff_t)r * x_stride;
        read_row(kernels, &goal, row, n);
        goal.target = target[(ptrdiff_t)r * target_stride];
        out[r] = find_temperature(kernels, &goal, row, n);
    }
    return SOFTDRAW_OK;
}

int softdraw_temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n, int quantity,
                                 const double *target, ptrdiff_t target_stride, double *out,
                                 size_t *where) {
    const sd_kernels *kernels = sd_kernels_in_use(SD_F64);
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (rows && (!target || !out || (n && !x))) return SOFTDRAW_ERROR_NULL;
    const sd_host_state before = sd_set_default_state();
    const int error =
        find_temperatures(kernels, x, x_stride, rows, n, quantity, target, target_stride, out, where);
    sd_restore_state(before);
    return error;
}

int softdraw_temperature_for_range_f64(const double *x, size_t n, int quantity, double range[2]) {
    const sd_kernels *kernels = sd_kernels_in_use(SD_F64);
    goal_t goal = {0};
    goal.quantity = quantity;
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (!range || (n && !x)) return SOFTDRAW_ERROR_NULL;
    if (!is_known(quantity)) return SOFTDRAW_ERROR_TARGET;
    const sd_host_state before = sd_set_default_state();
    const int error = read_row(kernels, &goal, x, n);
    if (!error) {
        const double a = compute_at_zero(&goal), b = compute_at_infinity(&goal);
        range[0] = a < b ? a : b;
        range[1] = a < b ? b : a;
    }
    sd_restore_state(before);
    return error;
}
