/* The softmax family through the public header alone: values, strides, in place, temperatures and edges.
 * test_errors.c has what is refused. */
#include "check.h"

enum { ROWS = 3, N = 37, STRIDE = 41, TOTAL = ROWS * STRIDE };

static const double temperatures[ROWS] = {1.0, 0.7, 5.0};

static void fill(double *x, float *y) {
    for (int i = 0; i < TOTAL; i++) x[i] = y[i] = (float)(8 * random_unit());
}

/* Reference in long double: enough for a few ULP of double, which the Python tests make exact. Where
 * that, or what the C library makes of it, is double, x / T is off by up to half a ULP of 23, and so is
 * its exponential, relatively. */
static int reference_ulp(void) {
    volatile double x = 0.7;
    return expl((long double)x) == (long double)exp(x) ? 16 : 0;
}
static void reference(const double *x, double temperature, long double *softmax,
                      long double *log_softmax, long double *logsumexp) {
    double top = x[0];
    for (int i = 1; i < N; i++) top = fmax(top, x[i]);
    long double sum = 0;
    for (int i = 0; i < N; i++) sum += expl(((long double)x[i] - top) / temperature);
    for (int i = 0; i < N; i++) {
        const long double z = ((long double)x[i] - top) / temperature;
        softmax[i] = expl(z) / sum;
        log_softmax[i] = z - logl(sum);
    }
    *logsumexp = (long double)top / temperature + logl(sum);
}

static int near(long double got, long double wanted, long double tolerance) {
    return fabsl(got - wanted) <= tolerance * fabsl(wanted);
}

static void test_rows(void) {
    double x[TOTAL], out[TOTAL], sums[ROWS];
    float xf[TOTAL], outf[TOTAL], sumsf[ROWS];
    long double softmax[N], log_softmax[N], logsumexp;
    fill(x, xf);
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < TOTAL; i++) out[i] = outf[i] = 7;
        if (kind == 0) {
            CHECK(!softdraw_softmax_f64(x, STRIDE, out, STRIDE, ROWS, N, temperatures, 1));
            CHECK(!softdraw_softmax_f32(xf, STRIDE, outf, STRIDE, ROWS, N, temperatures, 1));
        } else {
            CHECK(!softdraw_log_softmax_f64(x, STRIDE, out, STRIDE, ROWS, N, temperatures, 1));
            CHECK(!softdraw_log_softmax_f32(xf, STRIDE, outf, STRIDE, ROWS, N, temperatures, 1));
        }
        for (int r = 0; r < ROWS; r++) {
            reference(x + r * STRIDE, temperatures[r], softmax, log_softmax, &logsumexp);
            const long double *wanted = kind == 0 ? softmax : log_softmax;
            for (int i = 0; i < N; i++) {
                CHECK(near(out[r * STRIDE + i], wanted[i], (4 + reference_ulp()) * DBL_EPSILON));
                CHECK(near(outf[r * STRIDE + i], wanted[i], 2 * FLT_EPSILON));
            }
            for (int i = N; i < STRIDE; i++) /* the gap between rows is not written to */
                CHECK(out[r * STRIDE + i] == 7 && outf[r * STRIDE + i] == 7);
        }
    }
    CHECK(!softdraw_logsumexp_f64(x, STRIDE, sums, 1, ROWS, N, temperatures, 1));
    CHECK(!softdraw_logsumexp_f32(xf, STRIDE, sumsf, 1, ROWS, N, temperatures, 1));
    for (int r = 0; r < ROWS; r++) {
        reference(x + r * STRIDE, temperatures[r], softmax, log_softmax, &logsumexp);
        CHECK(near(sums[r], logsumexp, (4 + reference_ulp()) * DBL_EPSILON));
        CHECK(near(sumsf[r], logsumexp, 4 * FLT_EPSILON));
    }
}

static void test_out_stride_of_logsumexp(void) {
    double x[TOTAL], out[7] = {7, 7, 7, 7, 7, 7, 7}, alone;
    float xf[TOTAL];
    fill(x, xf);
    CHECK(!softdraw_logsumexp_f64(x, STRIDE, out, 3, ROWS, N, temperatures, 1));
    for (int r = 0; r < ROWS; r++) {
        CHECK(!softdraw_logsumexp_f64(x + r * STRIDE, 0, &alone, 0, 1, N, temperatures + r, 0));
        CHECK(out[3 * r] == alone);
    }
    CHECK(out[1] == 7 && out[2] == 7 && out[4] == 7 && out[5] == 7);
}

static void test_one_temperature_for_all_rows(void) {
    float x[TOTAL], out[TOTAL], alone[N];
    double xd[TOTAL];
    const double temperature = 0.7;
    fill(xd, x);
    CHECK(!softdraw_softmax_f32(x, STRIDE, out, STRIDE, ROWS, N, &temperature, 0));
    for (int r = 0; r < ROWS; r++) {
        CHECK(!softdraw_softmax_f32(x + r * STRIDE, N, alone, N, 1, N, &temperature, 0));
        CHECK(memcmp(out + r * STRIDE, alone, sizeof alone) == 0);
    }
}

/* Short rows are computed side by side, but for those that are out of the ordinary. */
#define SHORT_ROWS_HAVE_THE_BITS_OF_ROWS_ALONE(name, type, one)                                      \
    static void test_short_rows_of_##name(void) {                                                    \
        enum { ROWS = 37, MOST = 34, GAP = 3 };                                                      \
        static type x[ROWS * MOST], out[ROWS * (MOST + GAP)], alone[MOST];                           \
        double t[ROWS];                                                                              \
        for (size_t n = 1; n <= MOST; n++)                                                           \
            for (int odd = 0; odd < 8; odd++) {                                                      \
                for (int r = 0; r < ROWS; r++) {                                                     \
                    t[r] = odd == 7 && r % 17 == 3 ? 0 : 0.5 + r % 5;                                \
                    for (size_t i = 0; i < n; i++) {                                                 \
                        const uint64_t word = random_word();                                         \
                        /* near one, of both signs, but for rows of equal items */                   \
                        const type item = (type)(one + (type)(word >> 58) * (sizeof(type) == 2));    \
                        x[(size_t)r * n + i] = r % 11 == odd ? one : item;                           \
                        if (sizeof(type) > 2)                                                        \
                            x[(size_t)r * n + i] *= r % 11 == odd ? 1 : (type)(word >> 40) / 2000000 - 4; \
                    }                                                                                \
                    if (sizeof(type) > 2 && odd == 6 && r % 19 == 5) x[(size_t)r * n] = (type)NAN;   \
                    if (sizeof(type) > 2 && odd == 5 && r % 3 == 1) x[(size_t)r * n] = (type)-INFINITY; \
                }                                                                                    \
                const ptrdiff_t x_stride = (ptrdiff_t)n, stride = (ptrdiff_t)n + GAP;                \
                CHECK(!softdraw_softmax_##name(x, x_stride, out, stride, ROWS, n, t, 1));            \
                for (int r = 0; r < ROWS; r++) {                                                     \
                    CHECK(!softdraw_softmax_##name(x + r * x_stride, 0, alone, 0, 1, n, t + r, 0));  \
                    CHECK(memcmp(out + r * stride, alone, n * sizeof *x) == 0);                      \
                }                                                                                    \
                CHECK(!softdraw_softmax_##name(x, x_stride, x, x_stride, ROWS, n, t, 1));            \
                for (int r = 0; r < ROWS; r++)                                                       \
                    CHECK(memcmp(out + r * stride, x + r * x_stride, n * sizeof *x) == 0);           \
            }                                                                                        \
    }
SHORT_ROWS_HAVE_THE_BITS_OF_ROWS_ALONE(f32, float, 1)
SHORT_ROWS_HAVE_THE_BITS_OF_ROWS_ALONE(f64, double, 1)
SHORT_ROWS_HAVE_THE_BITS_OF_ROWS_ALONE(f16, uint16_t, 0x3c00)
SHORT_ROWS_HAVE_THE_BITS_OF_ROWS_ALONE(bf16, uint16_t, 0x3f80)

static void test_in_place(void) {
    float x[TOTAL], out[TOTAL];
    double xd[TOTAL], outd[TOTAL];
    fill(xd, x);
    memcpy(out, x, sizeof x);
    memcpy(outd, xd, sizeof xd);
    CHECK(!softdraw_softmax_f32(x, STRIDE, out, STRIDE, ROWS, N, temperatures, 1));
    CHECK(!softdraw_softmax_f32(x, STRIDE, x, STRIDE, ROWS, N, temperatures, 1));
    CHECK(memcmp(x, out, sizeof x) == 0);
    CHECK(!softdraw_log_softmax_f64(xd, STRIDE, outd, STRIDE, ROWS, N, temperatures, 1));
    CHECK(!softdraw_log_softmax_f64(xd, STRIDE, xd, STRIDE, ROWS, N, temperatures, 1));
    CHECK(memcmp(xd, outd, sizeof xd) == 0);
}

static void test_negative_strides(void) {
    float x[TOTAL], forward[TOTAL] = {0}, backward[TOTAL] = {0};
    double xd[TOTAL];
    fill(xd, x);
    const double reversed[ROWS] = {temperatures[2], temperatures[1], temperatures[0]};
    const size_t last = (ROWS - 1) * STRIDE;
    CHECK(!softdraw_softmax_f32(x, STRIDE, forward, STRIDE, ROWS, N, temperatures, 1));
    CHECK(!softdraw_softmax_f32(x + last, -STRIDE, backward + last, -STRIDE, ROWS, N, reversed, 1));
    CHECK(memcmp(forward, backward, sizeof forward) == 0);
    CHECK(!softdraw_softmax_f32(x, STRIDE, backward, STRIDE, ROWS, N, reversed + 2, -1));
    CHECK(memcmp(forward, backward, sizeof forward) == 0);
}

static void test_edges(void) {
    const double limits[5] = {0.0, -0.0, 1.0, 1e-320, INFINITY};
    for (int i = 0; i < 5; i++) {
        const double *t = limits + i;
        double out[3], sum;
        const double masked[3] = {-INFINITY, 2, -INFINITY};
        CHECK(!softdraw_softmax_f64(masked, 3, out, 3, 1, 3, t, 0));
        CHECK(out[0] == 0 && out[1] == 1 && out[2] == 0);
        CHECK(!softdraw_log_softmax_f64(masked, 3, out, 3, 1, 3, t, 0));
        CHECK(out[0] == -INFINITY && out[1] == 0 && !signbit(out[1]) && out[2] == -INFINITY);
        const double ties[3] = {2, 2, -INFINITY};
        CHECK(!softdraw_softmax_f64(ties, 3, out, 3, 1, 3, t, 0));
        CHECK(out[0] == 0.5 && out[1] == 0.5 && out[2] == 0);
        const double nothing[3] = {-INFINITY, -INFINITY, -INFINITY};
        CHECK(!softdraw_softmax_f64(nothing, 3, out, 3, 1, 3, t, 0));
        CHECK(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
        CHECK(!softdraw_logsumexp_f64(nothing, 3, &sum, 1, 1, 3, t, 0));
        CHECK(sum == -INFINITY);
        const double infinite[3] = {0, INFINITY, 0};
        CHECK(!softdraw_softmax_f64(infinite, 3, out, 3, 1, 3, t, 0));
        CHECK(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
        CHECK(!softdraw_logsumexp_f64(infinite, 3, &sum, 1, 1, 3, t, 0));
        CHECK(sum == INFINITY);
        const double undefined[3] = {0, NAN, INFINITY};
        CHECK(!softdraw_log_softmax_f64(undefined, 3, out, 3, 1, 3, t, 0));
        CHECK(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
        CHECK(!softdraw_logsumexp_f64(undefined, 3, &sum, 1, 1, 3, t, 0));
        CHECK(isnan(sum));
    }
}

static void test_no_rows_and_no_elements(void) {
    double out[2] = {7, 7};
    const double x = 1, t[2] = {1, 1};
    CHECK(!softdraw_softmax_f64(&x, 1, out, 1, 0, 1, t, 0));
    CHECK(!softdraw_softmax_f64(&x, 0, out, 0, 2, 0, t, 1));
    CHECK(!softdraw_log_softmax_f64(&x, 0, out, 0, 2, 0, t, 1));
    CHECK(out[0] == 7 && out[1] == 7);
    CHECK(!softdraw_logsumexp_f64(&x, 0, out, 1, 2, 0, t, 1));
    CHECK(out[0] == -INFINITY && out[1] == -INFINITY);
}

static void test_tiers(void) {
    CHECK(strcmp(softdraw_tier_name(SOFTDRAW_SCALAR), "scalar") == 0);
    const int count = softdraw_tier_count();
    CHECK(count > SOFTDRAW_NEON);
    for (int tier = 0; tier < count; tier++) CHECK(softdraw_tier_name(tier) != NULL);
    CHECK(softdraw_tier_name(count) == NULL && softdraw_tier_name(-1) == NULL);
    CHECK(softdraw_tier_available(SOFTDRAW_SCALAR));
    CHECK(!softdraw_tier_available(count) && !softdraw_tier_available(-1));
    CHECK(softdraw_tier_available(softdraw_tier_in_use()));
}

int main(void) {
    require_tier();
    test_rows();
    test_out_stride_of_logsumexp();
    test_one_temperature_for_all_rows();
    test_short_rows_of_f32();
    test_short_rows_of_f64();
    test_short_rows_of_f16();
    test_short_rows_of_bf16();
    test_in_place();
    test_negative_strides();
    test_edges();
    test_no_rows_and_no_elements();
    test_tiers();
    return finish();
}
