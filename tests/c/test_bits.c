/* The softmax family, the entropy and its inverse give these bits on every tier, compiler and machine: a fixed corpus is hashed
 * and held to the committed hash. Run it with SOFTDRAW_ISA set to each tier in turn. */
#include "check.h"

#define HASH_F32 UINT64_C(0xc8d173d17d8cffe2)
#define HASH_F64 UINT64_C(0x03d5174a33eb707f)
#define HASH_F16 UINT64_C(0x5aba6f396f2e0348)
#define HASH_BF16 UINT64_C(0x63e099a961fe9441)
#define HASH_ROWS UINT64_C(0xd63299b4ba55b8c6)
#define HASH_ENTROPY UINT64_C(0xcfd2805093f3eb1b)
#define HASH_TEMPERATURE_FOR UINT64_C(0x97d2ab32501f14e9)
#define HASH_LONG_F64 UINT64_C(0x858608111f6635b2)

enum { LONGEST = 10007, STORED = 1 << 18 };

static const double temperatures[] = {1, 0.7, 5, 0, 1e-30, 1e30, 5e-324, 1e-200, 1e300, 3, INFINITY};
static const double spreads[] = {1e-6, 1, 30, 700};
static const double offsets[] = {0, 1e5, -3};

static float x32[LONGEST], out32[LONGEST];
static double x64[LONGEST], out64[LONGEST];
static uint16_t x16[LONGEST], xb16[LONGEST], out16[LONGEST];

static void fill(size_t n, int variant) {
    const double spread = spreads[variant % 4], offset = offsets[variant % 3];
    for (size_t i = 0; i < n; i++) {
        const double value = offset + spread * random_unit();
        x32[i] = (float)value;
        x64[i] = value;
    }
    if (n && variant % 7 == 3) x32[n / 2] = -INFINITY, x64[n / 2] = -INFINITY;
    if (n && variant % 31 == 5) x32[n - 1] = NAN, x64[n - 1] = NAN;
    if (n && variant % 37 == 9) x32[0] = INFINITY, x64[0] = INFINITY;
    if (n && variant % 5 == 4)
        for (size_t i = 0; i < n; i += 2) x32[i] = x32[n - 1], x64[i] = x64[n - 1];
}

/* bits of halves: of any kind, and with two exponents only, so that rows are ordinary */
static void fill_halves(size_t n) {
    const int any = (random_word() >> 60) < 4;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = random_word();
        x16[i] = (uint16_t)(word >> 48);
        xb16[i] = (uint16_t)(word >> 32);
        if (any) continue;
        x16[i] = (uint16_t)((x16[i] & 0x87ff) | 0x4000);
        xb16[i] = (uint16_t)((xb16[i] & 0x80ff) | 0x4000);
    }
}

static void hash_halves(const uint16_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) hash_bits(p[i], 2);
}

/* A function that hashes what the softmax family gives for a row x; `fill` comes first. */
#define DEFINE_ONE(type, x, out, hash, fill)                              \
    static void one_##type(size_t n, double t) {                          \
        const ptrdiff_t stride = (ptrdiff_t)n;                            \
        fill;                                                             \
        softdraw_softmax_##type(x, stride, out, stride, 1, n, &t, 0);     \
        hash(out, n);                                                     \
        softdraw_log_softmax_##type(x, stride, out, stride, 1, n, &t, 0); \
        hash(out, n);                                                     \
        softdraw_logsumexp_##type(x, stride, out, 1, 1, n, &t, 0);        \
        hash(out, 1);                                                     \
    }
DEFINE_ONE(f32, x32, out32, hash_floats, (void)0)
DEFINE_ONE(f64, x64, out64, hash_doubles, (void)0)
DEFINE_ONE(f16, x16, out16, hash_halves, fill_halves(n))
DEFINE_ONE(bf16, xb16, out16, hash_halves, fill_halves(n))

/* rows that follow each other, each with a temperature of its own */
static void rows_f32(size_t n, double t) {
    double each[11];
    size_t rows = n ? LONGEST / n : 0;
    if (rows > 11) rows = 11;
    for (int i = 0; i < 11; i++) each[i] = i == 7 ? t : 0.5 + i;
    for (size_t i = n; i < rows * n; i++) x32[i] = x32[i % n] * (float)(i / n);
    softdraw_softmax_f32(x32, (ptrdiff_t)n, out32, (ptrdiff_t)n, rows, n, each, 1);
    hash_floats(out32, rows * n);
}

static void entropies(size_t n, double t) {
    const ptrdiff_t stride = (ptrdiff_t)n;
    softdraw_entropy_f32(x32, stride, out32, 1, 1, n, &t, 0);
    hash_floats(out32, 1);
    softdraw_entropy_f64(x64, stride, out64, 1, 1, n, &t, 0);
    hash_doubles(out64, 1);
    fill_halves(n);
    softdraw_entropy_f16(x16, stride, out16, 1, 1, n, &t, 0);
    hash_halves(out16, 1);
    softdraw_entropy_bf16(xb16, stride, out16, 1, 1, n, &t, 0);
    hash_halves(out16, 1);
}

/* for the middle of what a row can attain */
static void temperatures_for(size_t n, double t) {
    for (int what = SOFTDRAW_ENTROPY; what <= SOFTDRAW_TOP_PROB; what++) {
        double range[2];
        if (softdraw_temperature_for_range_f64(x64, n, what, range)) return;
        const double target = (range[0] + range[1]) / 2;
        softdraw_temperature_for_f64(x64, 0, 1, n, what, &target, 0, &t, NULL);
        hash_doubles(&t, 1);
    }
}

static void corpus(const char *what, void (*each)(size_t, double), uint64_t committed) {
    begin_hash();
    random_state = 1;
    for (int variant = 0; variant < 420; variant++) {
        const size_t n = variant < 396 ? (size_t)(variant % 132) : (size_t)(variant * 997 % LONGEST);
        fill(n, variant);
        each(n, temperatures[variant % 11]);
        each(n, temperatures[variant % 3]);
    }
    check_hash(what, committed);
}

/* The longest float64 rows whose exponentials are stored (softmax_stored.h), and longer ones, which are computed
 * like float32's. */
static void long_rows_f64(void) {
    static double x[STORED + 5], out[STORED + 5];
    begin_hash();
    random_state = 1;
    for (int i = 0; i < 4; i++) {
        const size_t n = i % 2 ? STORED : STORED + 5;
        for (size_t j = 0; j < n; j++) x[j] = spreads[i] * random_unit();
        softdraw_softmax_f64(x, 0, out, 0, 1, n, temperatures, 0);
        hash_doubles(out, n);
    }
    check_hash("long rows of float64", HASH_LONG_F64);
}

int main(void) {
    require_tier();
    corpus("float32", one_f32, HASH_F32);
    corpus("float64", one_f64, HASH_F64);
    corpus("float16", one_f16, HASH_F16);
    corpus("bfloat16", one_bf16, HASH_BF16);
    corpus("rows", rows_f32, HASH_ROWS);
    corpus("entropy", entropies, HASH_ENTROPY);
    corpus("temperature_for", temperatures_for, HASH_TEMPERATURE_FOR);
    long_rows_f64();
    return finish();
}
