/* How often softdraw_temperature_for_f64 reads a row: a dozen times, and never without end. */
#include "kernels.h"

/* the source itself, but with a kernel that counts */
static const sd_kernels *counting_kernels(enum sd_type type);
#define sd_kernels_in_use counting_kernels
#define softdraw_temperature_for_f64 counted_temperature_for
#define softdraw_temperature_for_range_f64 counted_range
#include "temperature_for.c"
#undef sd_kernels_in_use
const sd_kernels *sd_kernels_in_use(enum sd_type type);

#include "check.h"

static sd_kernels kernels;
static int readings;

static void counted_moments(const double *x, size_t n, double t, sd_moments *moments) {
    readings++;
    sd_kernels_in_use(SD_F64)->find_moments(x, n, t, moments);
}

static const sd_kernels *counting_kernels(enum sd_type type) {
    (void)type;
    kernels.find_moments = counted_moments;
    return &kernels;
}

static int below(int n) { return (int)(uniform() * n); }

/* 2^-k for a k up to n */
static double small(int n) { return ldexp(1, -below(n + 1)); }

enum { PLAIN, SHARP, TINY, HUGE_ONES, MASKED, NEARLY_TIED, TIED, WIDE, KINDS };
static const char *const names[] = {"plain",  "sharp",       "tiny", "huge",
                                    "masked", "nearly tied", "tied", "wide"};

static void fill(double *x, size_t n, int kind) {
    for (size_t i = 0; i < n; i++) {
        const double value = uniform() + uniform() + uniform() - 1.5;
        x[i] = value;
        if (kind == SHARP) x[i] = 100 * value;
        if (kind == TINY) x[i] = 1e-300 * value;
        if (kind == HUGE_ONES) x[i] = 1e307 * value;
        if (kind == MASKED && i % 2) x[i] = below(2) ? -DBL_MAX : -INFINITY;
        if (kind == NEARLY_TIED && i % 2) x[i] = 1 - small(52);
        if (kind == TIED) x[i] = floor(2 * value);
        if (kind == WIDE) x[i] = value / small(100);
    }
}

int main(void) {
    require_tier();
    for (int kind = 0; kind < KINDS; kind++) {
        int most = 0, solved = 0;
        double total = 0;
        for (int trial = 0; trial < 6000; trial++) {
            double x[40], range[2], t = -1;
            const size_t n = 2 + (size_t)below(39);
            const int what = trial % 3;
            fill(x, n, kind);
            if (counted_range(x, n, what, range) || range[0] == range[1]) continue;
            double u = uniform();
            if (trial % 4 == 1) u *= small(60);
            if (trial % 4 == 2) u = 1 - u * small(45);
            const double target = range[0] + u * (range[1] - range[0]);
            readings = 0;
            const int error = counted_temperature_for(x, 0, 1, n, what, &target, 0, &t, NULL);
            if (error || !(t >= 0)) FAIL("error %d, T = %g, %s\n", error, t, names[kind]);
            if (t == 0 || t > DBL_MAX) continue;
            solved++;
            total += readings;
            if (readings > most) most = readings;
        }
        printf("%s: %.1f readings, at most %d\n", names[kind], total / solved, most);
        CHECK(most <= 2 + MAX_NEWTON_STEPS + 63 && total / solved <= 20);
    }
    return finish();
}
