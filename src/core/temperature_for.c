/* The temperature at which a softmax has a wanted entropy, perplexity or top probability.
 *
 * All three change with T in one direction, so a bracket of two temperatures, 0 and infinity to begin
 * with, is narrowed until it is small enough or holds no other double. A step is Newton's where that
 * gets on well, else to the middle of the bracket in the order of doubles, which halves at first their
 * exponents and then their fractions.
 *
 * Newton's steps are taken where the function is nearly a line. Let the rise be what the entropy has
 * above its value at T = 0, and the fall what it lacks to that at infinity. The logarithm of the rise is
 * nearly linear in 1 / T where T is small, that of the fall in log T where T is large, and a target is
 * approached from the end that is nearer to it. For the top probability, 1 / sum(e^-d), the sum takes
 * the entropy's place. */
#include "arith/bits.h"
#include "kernels.h"
#include "softdraw.h"

#include <math.h>

/* from here on only bisections, so at most 63 more rows are read; Newton's way takes about 8 */
enum { MOST_STEPS = 60 };

/* A row and what is wanted of it. */
typedef struct {
    int quantity;
    double ties, count; /* of maxima, and of all that is not -inf */
    double target;
    double rise, fall; /* at the target */
    double tolerance;  /* the target's last bit, on the scale of the rise and the fall */
} wanted;

/* a unit in the last place of a >= 0 */
static double ulp(double a) { return sd_f64_next_up(a) - a; }

static int is_near(double a, double end) {
    const double slack = 4 * ulp(end);
    return a >= end - slack && a <= end + slack;
}

/* log(a / b) from a - b, which is exact where a and b are close */
static double log_ratio(double difference, double a, double b) {
    return difference >= 0 ? sd_log1p(difference / b) : -sd_log1p(-difference / a);
}

/* ---- what moments say --------------------------------------------------------------------------- */

/* The row's value less the target: of the entropy (for the perplexity its logarithm) or of the sum. */
static double gap_of(const wanted *w, const sd_moments *m) {
    if (w->quantity == SOFTDRAW_ENTROPY) return sd_entropy(m) - w->target;
    if (w->quantity == SOFTDRAW_TOP_PROB) return (m->others - w->rise) + m->below;
    /* never the difference of two logarithms of large numbers */
    const double sum = w->ties + m->others;
    const double above = ((w->ties - w->target) + m->others) + m->below;
    return log_ratio(above, sum, w->target) + m->first / sum;
}

static double rise_of(const wanted *w, const sd_moments *m) {
    if (w->quantity == SOFTDRAW_TOP_PROB) return m->others;
    return sd_log1p(m->others / w->ties) + m->first / (w->ties + m->others);
}

static double fall_of(const wanted *w, const sd_moments *m) {
    const double lacking = ((w->count - w->ties) - m->others) - m->below;
    const double sum = w->ties + m->others;
    if (w->quantity == SOFTDRAW_TOP_PROB) return lacking;
    return lacking >= 0 ? sd_log1p(lacking / sum) - m->first / sum : 0;
}

/* The derivative by log T: of the entropy it is the variance of d. */
static double slope_of(const wanted *w, const sd_moments *m) {
    const double sum = w->ties + m->others, mean = m->first / sum;
    return w->quantity == SOFTDRAW_TOP_PROB ? m->first : m->second / sum - mean * mean;
}

/* Where Newton's step leads from t: anywhere, if it leads nowhere. */
static double newton(const wanted *w, const sd_moments *m, double t, double gap) {
    if (w->rise <= w->fall) {
        const double rise = rise_of(w, m);
        return t / (1 + log_ratio(gap, rise, w->rise) * rise / slope_of(w, m));
    }
    const double fall = fall_of(w, m);
    const double step = log_ratio(-gap, fall, w->fall) * fall / slope_of(w, m);
    /* t e^step, but for terms of the third order */
    return step > 0 ? t * (1 + step + step * step / 2) : t / (1 - step + step * step / 2);
}

/* ---- the bracket -------------------------------------------------------------------------------- */

static double solve(const sd_kernels *kernels, const wanted *w, const double *x, size_t n) {
    uint64_t low = sd_f64_bits(0), high = sd_f64_bits(INFINITY);
    const double small = (w->rise < w->fall ? w->rise : w->fall) * 0x1p-20;
    double low_gap = w->rise, high_gap = w->fall, t = 1;
    uint64_t step = high, step_before = high;
    for (int steps = 0; high - low > 1; steps++) {
        sd_moments m;
        kernels->find_moments(x, n, t, &m);
        const double gap = gap_of(w, &m), size = gap > 0 ? gap : -gap;
        if (size <= w->tolerance) return t;
        if (gap > 0) high = sd_f64_bits(t), high_gap = size;
        else low = sd_f64_bits(t), low_gap = size;

        double next = newton(w, &m, t, gap);
        const double change = next - t;
        /* its error is of the order of the change's square; the gap tells a real step from noise */
        if (size <= small && change <= t * 0x1p-36 && change >= t * -0x1p-36) return next;
        uint64_t length = step_before;
        if (next > sd_f64_of_bits(low) && next < sd_f64_of_bits(high))
            length = change > 0 ? sd_f64_bits(next) - sd_f64_bits(t) : sd_f64_bits(t) - sd_f64_bits(next);
        /* as in Brent's method: each step at most half as long as the one before the last */
        if (length >= step_before / 2 || steps >= MOST_STEPS) {
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

/* How many maxima a row has, and how many entries above -inf. */
static int read_row(const sd_kernels *kernels, wanted *w, const double *x, size_t n) {
    sd_moments m = {sd_nan(), 0, 0, 0, 0};
    if (n > 0) kernels->find_moments(x, n, INFINITY, &m);
    w->ties = m.ties;
    w->count = m.ties + m.others;
    return m.ties >= 1 ? SOFTDRAW_OK : SOFTDRAW_ERROR_LOGIT;
}

static int is_known(int quantity) {
    return quantity == SOFTDRAW_ENTROPY || quantity == SOFTDRAW_PERPLEXITY || quantity == SOFTDRAW_TOP_PROB;
}

/* The values at T = 0 and infinity. */
static double cold(const wanted *w) {
    if (w->quantity == SOFTDRAW_ENTROPY) return sd_log1p(w->ties - 1);
    return w->quantity == SOFTDRAW_PERPLEXITY ? w->ties : 1 / w->ties;
}

static double hot(const wanted *w) {
    if (w->quantity == SOFTDRAW_ENTROPY) return sd_log1p(w->count - 1);
    return w->quantity == SOFTDRAW_PERPLEXITY ? w->count : 1 / w->count;
}

static int is_attainable(const wanted *w) {
    const double a = cold(w), b = hot(w), target = w->target;
    if (is_near(target, a) || is_near(target, b)) return 1;
    return a < b ? target > a && target < b : target > b && target < a;
}

static double temperature_of(const sd_kernels *kernels, wanted *w, const double *x, size_t n) {
    const double target = w->target;
    if (w->ties == w->count) return 1; /* as any temperature */
    if (is_near(target, cold(w))) return 0;
    if (is_near(target, hot(w))) return INFINITY;
    w->tolerance = ulp(target);
    if (w->quantity == SOFTDRAW_ENTROPY) {
        w->rise = target - cold(w);
        w->fall = hot(w) - target;
    } else if (w->quantity == SOFTDRAW_PERPLEXITY) {
        w->rise = log_ratio(target - w->ties, target, w->ties);
        w->fall = log_ratio(w->count - target, w->count, target);
        w->tolerance /= target;
    } else {
        w->rise = (1 - w->ties * target) / target;
        w->fall = (w->count * target - 1) / target;
        w->tolerance /= target * target;
    }
    return solve(kernels, w, x, n);
}

int softdraw_temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n, int quantity,
                                 const double *target, ptrdiff_t target_stride, double *out,
                                 size_t *where) {
    const sd_kernels *kernels = sd_kernels_in_use(SD_F64);
    wanted w = {0};
    w.quantity = quantity;
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (rows && (!target || !out || (n && !x))) return SOFTDRAW_ERROR_NULL;
    for (size_t r = 0; r < rows; r++) {
        int error = read_row(kernels, &w, x + (ptrdiff_t)r * x_stride, n);
        w.target = target[(ptrdiff_t)r * target_stride];
        if (!error && (!is_known(quantity) || !is_attainable(&w))) error = SOFTDRAW_ERROR_TARGET;
        if (!error) continue;
        if (where) *where = r;
        return error;
    }
    for (size_t r = 0; r < rows; r++, x += x_stride) {
        read_row(kernels, &w, x, n);
        w.target = target[(ptrdiff_t)r * target_stride];
        out[r] = temperature_of(kernels, &w, x, n);
    }
    return SOFTDRAW_OK;
}

int softdraw_temperature_for_range_f64(const double *x, size_t n, int quantity, double range[2]) {
    const sd_kernels *kernels = sd_kernels_in_use(SD_F64);
    wanted w = {0};
    w.quantity = quantity;
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (!range || (n && !x)) return SOFTDRAW_ERROR_NULL;
    if (!is_known(quantity)) return SOFTDRAW_ERROR_TARGET;
    const int error = read_row(kernels, &w, x, n);
    if (error) return error;
    const double a = cold(&w), b = hot(&w);
    range[0] = a < b ? a : b;
    range[1] = a < b ? b : a;
    return SOFTDRAW_OK;
}
