/* The gradient through softmax, by the public header alone: values, strides, in place, edges, that a
 * call with a bad temperature writes nothing, and one hash of bits for every tier. */
#include "check.h"

#define HASH_F32 UINT64_C(0xae0d9b1dbe3fc8b6)
#define HASH_F64 UINT64_C(0x774d6daa7e1e3324)

enum { ROWS = 3, LONGEST = 1013, STRIDE = LONGEST + 3, TOTAL = ROWS * STRIDE };

static double p[TOTAL], g[TOTAL], out[TOTAL];
static float p32[TOTAL], g32[TOTAL], out32[TOTAL];
static const double temperatures[] = {1, 0.7, 5, 1e-30, 1e30, 5e-324, 1e-200, 1e300, INFINITY};

static void fill(size_t n, double spread) {
    for (size_t i = 0; i < TOTAL; i++) {
        p32[i] = (float)(p[i] = fabs(random_unit()) / (double)(n + 1));
        g32[i] = (float)(g[i] = spread * random_unit());
        p[i] = p32[i];
        g[i] = g32[i];
    }
}

static int f32(size_t n, const double *t, ptrdiff_t t_stride) {
    return softdraw_softmax_vjp_f32(p32, STRIDE, g32, STRIDE, out32, STRIDE, ROWS, n, t, t_stride);
}

static int f64(size_t n, const double *t, ptrdiff_t t_stride) {
    return softdraw_softmax_vjp_f64(p, STRIDE, g, STRIDE, out, STRIDE, ROWS, n, t, t_stride);
}

/* Whether long double is wider than double, also as valgrind computes it. */
static int is_long_double_wide(void) {
    const volatile long double one = 1;
    return LDBL_MANT_DIG > DBL_MANT_DIG && one + LDBL_EPSILON != one;
}

/* Long double is enough for a loose bound; tests/softmax/test_softmax_vjp.py has the exact one. Where that is
 * double, each addition of the reference is rounded as ours are. */
static void test_values(size_t n) {
    const double ulp = DBL_EPSILON * (is_long_double_wide() ? 1 : 1 + (double)n);
    fill(n, 3);
    for (int i = 0; i < TOTAL; i++) out[i] = out32[i] = 7;
    CHECK(f32(n, temperatures, 1) == SOFTDRAW_OK);
    CHECK(f64(n, temperatures, 1) == SOFTDRAW_OK);
    for (int r = 0; r < ROWS; r++) {
        long double sum = 0, size = 0;
        for (size_t i = 0; i < n; i++) {
            const long double product = (long double)p[r * STRIDE + i] * g[r * STRIDE + i];
            sum += product;
            size += fabsl(product);
        }
        for (size_t i = 0; i < STRIDE; i++) {
            const size_t at = (size_t)r * STRIDE + i;
            const long double wanted = p[at] * (g[at] - sum) / temperatures[r];
            const long double scale = p[at] * (fabsl(g[at] - sum) + size) / temperatures[r];
            if (i < n) {
                CHECK(fabsl(out[at] - wanted) <= ulp * scale);
                CHECK(fabsl(out32[at] - wanted) <= FLT_EPSILON * scale);
            } else {
                CHECK(out[at] == 7 && out32[at] == 7);
            }
        }
    }
}

static void test_in_place(size_t n) {
    static double wanted[TOTAL], kept[TOTAL];
    const double t = 0.7;
    fill(n, 3);
    memcpy(out, p, sizeof out);
    f64(n, &t, 0);
    memcpy(wanted, out, sizeof wanted);
    memcpy(kept, p, sizeof kept);
    softdraw_softmax_vjp_f64(p, STRIDE, g, STRIDE, p, STRIDE, ROWS, n, &t, 0);
    CHECK(memcmp(p, wanted, sizeof wanted) == 0);
    softdraw_softmax_vjp_f64(kept, STRIDE, g, STRIDE, g, STRIDE, ROWS, n, &t, 0);
    for (int r = 0; r < ROWS; r++)
        CHECK(memcmp(g + r * STRIDE, wanted + r * STRIDE, n * sizeof *g) == 0);
}

static void test_edges(void) {
    const double bad[] = {0, -0.0, -1, NAN}, one = 1, infinite = INFINITY;
    fill(9, 3);
    for (int i = 0; i < 4; i++) {
        out[0] = out32[0] = 7;
        CHECK(f32(9, bad + i, 0) == SOFTDRAW_ERROR_TEMPERATURE && out32[0] == 7);
        CHECK(f64(9, bad + i, 0) == SOFTDRAW_ERROR_TEMPERATURE && out[0] == 7);
    }
    const double last[ROWS] = {1, 1, 0};
    CHECK(f64(9, last, 1) == SOFTDRAW_ERROR_TEMPERATURE && out[0] == 7);
    CHECK(f64(0, &one, 0) == SOFTDRAW_OK && out[0] == 7);
    CHECK(f64(9, &infinite, 0) == SOFTDRAW_OK && out[3] == 0 && !signbit(out[3]));
    CHECK(f32(9, &infinite, 0) == SOFTDRAW_OK && out32[3] == 0 && !signbit(out32[3]));
    const double breaks[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 16; i++) {
        const uint64_t nan = UINT64_C(0x7ff8000000000000);
        const uint32_t nan32 = UINT32_C(0x7fc00000);
        const double *t = i & 4 ? &infinite : &one;
        double *place = i & 8 ? p : g;
        float *place32 = i & 8 ? p32 : g32;
        fill(9, 3);
        place[STRIDE + 8] = breaks[i % 4];
        place32[STRIDE + 8] = (float)breaks[i % 4];
        f32(9, t, 0);
        f64(9, t, 0);
        CHECK(isfinite(out[0]) && isfinite(out[2 * STRIDE]));
        for (int k = 0; k < 9; k++) {
            CHECK(memcmp(out + STRIDE + k, &nan, sizeof nan) == 0);
            CHECK(memcmp(out32 + STRIDE + k, &nan32, sizeof nan32) == 0);
        }
    }
}

/* These rows take no time, and nothing of them is read. */
static void test_empty_rows(void) {
    const double one = 1;
    const size_t most = SIZE_MAX;
    CHECK(softdraw_softmax_vjp_f32(NULL, 0, NULL, 0, NULL, 0, most, 0, &one, 0) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_vjp_f64(NULL, 0, NULL, 0, NULL, 0, most, 0, &one, 0) == SOFTDRAW_OK);
}

static void test_bits(int is_double) {
    begin_hash();
    random_state = 1;
    for (int variant = 0; variant < 300; variant++) {
        static const double spreads[] = {1, 1e-30, 1e30, 100};
        const size_t n = variant < 270 ? (size_t)variant / 2 : LONGEST - (size_t)variant;
        fill(n, spreads[variant % 4]);
        f32(n, temperatures + variant % 7, 1);
        f64(n, temperatures + variant % 7, 1);
        for (size_t at = 0; at < TOTAL; at += STRIDE) {
            if (is_double) hash_doubles(out + at, n);
            else hash_floats(out32 + at, n);
        }
    }
    check_hash(is_double ? "float64" : "float32", is_double ? HASH_F64 : HASH_F32);
}

int main(void) {
    require_tier();
    for (size_t n = 0; n < 140; n++) test_values(n);
    test_values(LONGEST);
    for (size_t n = 0; n < 40; n++) test_in_place(n);
    test_edges();
    test_empty_rows();
    test_bits(0);
    test_bits(1);
    return finish();
}
