/* Rows in pieces, by the public header alone: values against long double, edges, errors, and one hash of
 * bits for every tier. tests/dask/test_dask_accuracy.py has the bounds in ULP. */
#include "check.h"

#define HASH_F32 UINT64_C(0xba4d464ec12041f1)
#define HASH_F64 UINT64_C(0xbe86b5dc82e4832b)

enum { ROWS = 3, LONGEST = 5003, STRIDE = LONGEST + 3, TOTAL = ROWS * STRIDE, MOST = 9 };

static double x[TOTAL], out[TOTAL];
static float x32[TOTAL], out32[TOTAL];
static softdraw_partial partials[ROWS * MOST], whole[ROWS];
static const double temperatures[] = {1, 0.7, 5, 0, INFINITY, 1e-30, 1e30, 5e-324, 1e-200, 1e300};

static void fill(double spread, double offset) {
    for (size_t i = 0; i < TOTAL; i++) {
        x32[i] = (float)(offset + spread * random_unit());
        x[i] = x32[i];
    }
}

/* The number of pieces of n elements; where the first ends, and each of the others is twice as long. */
static size_t cut(size_t n, size_t pieces, size_t *cuts) {
    cuts[0] = 0;
    for (size_t i = 1; i < pieces; i++) cuts[i] = n >> (pieces - i);
    cuts[pieces] = n;
    return pieces;
}

/* Writes the results of rows that are cut into pieces. */
static void f32(size_t n, size_t pieces, const double *t, ptrdiff_t t_stride, int logarithms) {
    size_t cuts[MOST + 1];
    cut(n, pieces, cuts);
    for (size_t i = 0; i < pieces; i++) {
        CHECK(softdraw_partial_f32(x32 + cuts[i], STRIDE, whole, ROWS, cuts[i + 1] - cuts[i], t, t_stride) ==
              SOFTDRAW_OK);
        for (size_t r = 0; r < ROWS; r++) partials[r * pieces + i] = whole[r];
    }
    CHECK(softdraw_combine_partials(partials, (ptrdiff_t)pieces, whole, ROWS, pieces) == SOFTDRAW_OK);
    for (size_t i = 0; i < pieces; i++)
        CHECK(softdraw_softmax_piece_f32(x32 + cuts[i], STRIDE, whole, out32 + cuts[i], STRIDE, ROWS,
                                         cuts[i + 1] - cuts[i], logarithms) == SOFTDRAW_OK);
}

static void f64(size_t n, size_t pieces, const double *t, ptrdiff_t t_stride, int logarithms) {
    size_t cuts[MOST + 1];
    cut(n, pieces, cuts);
    for (size_t i = 0; i < pieces; i++) {
        CHECK(softdraw_partial_f64(x + cuts[i], STRIDE, whole, ROWS, cuts[i + 1] - cuts[i], t, t_stride) ==
              SOFTDRAW_OK);
        for (size_t r = 0; r < ROWS; r++) partials[r * pieces + i] = whole[r];
    }
    CHECK(softdraw_combine_partials(partials, (ptrdiff_t)pieces, whole, ROWS, pieces) == SOFTDRAW_OK);
    for (size_t i = 0; i < pieces; i++)
        CHECK(softdraw_softmax_piece_f64(x + cuts[i], STRIDE, whole, out + cuts[i], STRIDE, ROWS,
                                         cuts[i + 1] - cuts[i], logarithms) == SOFTDRAW_OK);
}

/* Close to what softmax and log_softmax give for the whole rows, at three temperatures. */
static void test_values(size_t n, size_t pieces, const double *t) {
    static double wanted[TOTAL];
    static float wanted32[TOTAL];
    for (int logarithms = 0; logarithms < 2; logarithms++) {
        for (int i = 0; i < TOTAL; i++) out[i] = wanted[i] = out32[i] = wanted32[i] = 7;
        f32(n, pieces, t, 1, logarithms);
        f64(n, pieces, t, 1, logarithms);
        (logarithms ? softdraw_log_softmax_f32 : softdraw_softmax_f32)(x32, STRIDE, wanted32, STRIDE, ROWS,
                                                                       n, t, 1);
        (logarithms ? softdraw_log_softmax_f64 : softdraw_softmax_f64)(x, STRIDE, wanted, STRIDE, ROWS, n, t,
                                                                       1);
        for (int i = 0; i < TOTAL; i++) {
            const double ulp = 5 * DBL_EPSILON * fabs(wanted[i]) + 0x1p-1073;
            const double ulp32 = 3 * (double)FLT_EPSILON * fabs((double)wanted32[i]) + 0x1p-148;
            if (!(out[i] == wanted[i] || fabs(out[i] - wanted[i]) <= ulp))
                FAIL("float64 %d of %zu in %zu: %a, not %a\n", i, n, pieces, out[i], wanted[i]);
            if (!(out32[i] == wanted32[i] || fabs((double)out32[i] - (double)wanted32[i]) <= ulp32))
                FAIL("float32 %d of %zu in %zu: %a, not %a\n", i, n, pieces, (double)out32[i],
                     (double)wanted32[i]);
        }
    }
}

static void test_all_values(void) {
    static const size_t lengths[] = {1, 2, 15, 16, 17, 64, 65, 1000, LONGEST};
    static const double offsets[] = {0, 1e3, -1e6, 1e30};
    static const double special[][ROWS] = {{1, 0.7, 5}, {0, INFINITY, 1}, {1e-30, 1e30, 1e-3}, {5e-324, 1e300, 30}};
    begin_hash();
    uint64_t hash64 = hash;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t pieces = 1; pieces <= MOST; pieces += 4)
            for (int o = 0; o < 4; o++)
                for (int t = 0; t < 4; t++) {
                    fill(o == 3 ? 1e30 : 12, offsets[o]);
                    if (o == 1)
                        for (size_t i = 0; i < TOTAL; i += 3) x[i] = x32[i] = -INFINITY;
                    if (o == 1) x[0] = x32[0] = x[STRIDE] = x32[STRIDE] = x[2 * STRIDE] = x32[2 * STRIDE] = 1000;
                    test_values(lengths[l], pieces, special[t]);
                    f32(lengths[l], pieces, special[t], 1, 0);
                    f64(lengths[l], pieces, special[t], 1, 0);
                    const uint64_t hash32 = hash;
                    hash = hash64;
                    hash_doubles(out, TOTAL);
                    hash64 = hash;
                    hash = hash32;
                    hash_floats(out32, TOTAL);
                }
    check_hash("float32", HASH_F32);
    hash = hash64;
    check_hash("float64", HASH_F64);
}

/* Any partials of the same elements, combined in any order, give the same sum. */
static void test_combining(void) {
    softdraw_partial all;
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        fill(20, 0);
        x[7] = x[LONGEST - 1] = 25;
        CHECK(softdraw_partial_f64(x, 0, &all, 1, LONGEST, temperatures + i, 0) == SOFTDRAW_OK);
        CHECK(softdraw_partial_f64(x, 0, partials, 1, 1000, temperatures + i, 0) == SOFTDRAW_OK);
        CHECK(softdraw_partial_f64(x + 1000, 0, partials + 1, 1, 0, temperatures + i, 0) == SOFTDRAW_OK);
        CHECK(softdraw_partial_f64(x + 1000, 0, partials + 2, 1, LONGEST - 1000, temperatures + i, 0) ==
              SOFTDRAW_OK);
        CHECK(softdraw_combine_partials(partials, 3, whole, 1, 3) == SOFTDRAW_OK);
        CHECK(whole->temperature == temperatures[i] && whole->max == all.max && all.max == 25);
        CHECK(fabs(whole->excess - all.excess) <= 2 * DBL_EPSILON * all.excess);
        CHECK(whole->excess >= 1);
    }
}

static softdraw_partial of(double a, double b, double t) {
    const double pair[2] = {a, b};
    softdraw_partial result;
    CHECK(softdraw_partial_f64(pair, 0, &result, 1, 2, &t, 0) == SOFTDRAW_OK);
    return result;
}

static void test_edges(void) {
    softdraw_partial pair[2];
    CHECK(of(-INFINITY, -INFINITY, 1).max == -INFINITY && of(-INFINITY, -INFINITY, 1).excess == 0);
    CHECK(of(INFINITY, 1, 1).max == INFINITY && of(INFINITY, 1, 1).excess == 0);
    CHECK(isnan(of(NAN, 1, 1).excess) && isnan(of(NAN, INFINITY, 0).excess));
    CHECK(isnan(of(NAN, -INFINITY, 1).excess));
    CHECK(of(3, 3, 0).excess == 1 && of(3, 2, 0).excess == 0 && of(3, -INFINITY, INFINITY).excess == 0);
    pair[0] = of(NAN, 1, 1);
    pair[1] = of(1, 2, 1);
    CHECK(softdraw_combine_partials(pair, 2, whole, 1, 2) == SOFTDRAW_OK && isnan(whole->excess));
    CHECK(softdraw_softmax_piece_f64(x, 0, whole, out, 0, 1, 2, 0) == SOFTDRAW_OK);
    CHECK(double_bits(out[0]) == UINT64_C(0x7ff8000000000000) && isnan(out[1]));
    pair[0] = of(-INFINITY, -INFINITY, 1);
    CHECK(softdraw_combine_partials(pair, 2, whole, 1, 2) == SOFTDRAW_OK);
    CHECK(whole->max == 2 && whole->excess == pair[1].excess);
    CHECK(softdraw_combine_partials(pair, 1, pair, 2, 1) == SOFTDRAW_OK && pair[1].max == 2);
}

/* A temperature of -0 is 0 in a partial, whichever temperatures the rows beside it have. */
static void test_negative_zero(void) {
    const double t[] = {-0.0, 0.0, -0.0};
    const float threes32[] = {3, 3, 3};
    const double threes[] = {3, 3, 3};
    for (size_t first = 0; first < 3; first++) {
        CHECK(softdraw_partial_f32(threes32, 1, partials, 3 - first, 1, t + first, 1) == SOFTDRAW_OK);
        CHECK(softdraw_partial_f64(threes, 1, partials + 3, 3 - first, 1, t + first, 1) == SOFTDRAW_OK);
        for (size_t i = 0; i < 3 - first; i++)
            CHECK(double_bits(partials[i].temperature) == 0 && double_bits(partials[3 + i].temperature) == 0);
    }
    partials->temperature = -0.0;
    CHECK(softdraw_combine_partials(partials, 1, whole, 1, 1) == SOFTDRAW_OK);
    CHECK(double_bits(whole->temperature) == 0);
}

static void check_nan(const softdraw_partial *p) {
    CHECK(double_bits(p->excess) == UINT64_C(0x7ff8000000000000) && double_bits(p->excess_low) == 0);
}

/* Whichever of several NaN comes first, and whatever its bits are, the excess has the same bits. */
static void test_several_nans(void) {
    const uint64_t nans[] = {UINT64_C(0x7ff8200000000000), UINT64_C(0xfffa400000000000)};
    const uint32_t nans32[] = {0x7fc10000, 0xffd20000};
    softdraw_partial result;
    fill(3, 0);
    for (size_t n = 3; n < 70; n++)
        for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++)
            for (int swap = 0; swap < 2; swap++) {
                memcpy(x, nans + swap, 8), memcpy(x + n - 1, nans + !swap, 8);
                memcpy(x32, nans32 + swap, 4), memcpy(x32 + n - 1, nans32 + !swap, 4);
                CHECK(softdraw_partial_f64(x, 0, &result, 1, n, temperatures + t, 0) == SOFTDRAW_OK);
                check_nan(&result);
                CHECK(softdraw_partial_f32(x32, 0, &result, 1, n, temperatures + t, 0) == SOFTDRAW_OK);
                check_nan(&result);
            }
}

static void test_errors(void) {
    const double t = 1, bad[] = {-1, NAN};
    whole->temperature = 1;
    CHECK(softdraw_partial_f64(NULL, 1, whole, 1, 2, &t, 0) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_partial_f64(x, 1, NULL, 1, 2, &t, 0) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_partial_f32(x32, 1, whole, 1, 2, NULL, 0) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_partial_f32(NULL, 1, NULL, 0, 2, NULL, 0) == SOFTDRAW_OK);
    CHECK(softdraw_partial_f32(NULL, -3, whole, 2, 0, &t, 0) == SOFTDRAW_OK);
    CHECK(softdraw_combine_partials(NULL, 1, whole, 1, 2) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_combine_partials(whole, 1, NULL, 1, 2) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_combine_partials(whole, 1, whole, 1, 0) == SOFTDRAW_ERROR_LENGTH);
    CHECK(softdraw_combine_partials(NULL, 1, NULL, 0, 0) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_piece_f64(x, 1, NULL, out, 1, 1, 2, 0) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_softmax_piece_f64(NULL, 1, whole, out, 1, 1, 2, 0) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_softmax_piece_f32(x32, 1, whole, NULL, 1, 1, 2, 1) == SOFTDRAW_ERROR_NULL);
    CHECK(softdraw_softmax_piece_f32(NULL, 1, NULL, NULL, 1, 0, 2, 1) == SOFTDRAW_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(softdraw_partial_f64(x, 1, whole, 1, 2, bad + i, 0) == SOFTDRAW_ERROR_TEMPERATURE);
        whole->temperature = bad[i];
        CHECK(softdraw_combine_partials(whole, 1, whole, 1, 1) == SOFTDRAW_ERROR_TEMPERATURE);
        CHECK(softdraw_softmax_piece_f64(x, 1, whole, out, 1, 1, 2, 0) == SOFTDRAW_ERROR_TEMPERATURE);
    }
}

int main(void) {
    require_tier();
    test_all_values();
    test_combining();
    test_edges();
    test_negative_zero();
    test_several_nans();
    test_errors();
    return finish();
}
