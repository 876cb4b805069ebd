/* The softmax family, the entropy and its inverse give these bits on every tier, compiler and machine: a fixed corpus is hashed
 * and held to the committed hash. Run it with SOFTDRAW_ISA set to each tier in turn. */
#include "softdraw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HASH_F32 UINT64_C(0xc8d173d17d8cffe2)
#define HASH_F64 UINT64_C(0x03d5174a33eb707f)
#define HASH_F16 UINT64_C(0x5aba6f396f2e0348)
#define HASH_BF16 UINT64_C(0x63e099a961fe9441)
#define HASH_ROWS UINT64_C(0xd63299b4ba55b8c6)
#define HASH_ENTROPY UINT64_C(0xcfd2805093f3eb1b)
#define HASH_TEMPERATURE_FOR UINT64_C(0x97d2ab32501f14e9)

enum { LONGEST = 10007 };

static uint64_t random_state = 1;

/* xorshift64*, enough for a corpus */
static uint64_t random_word(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

/* in (-1, 1), with few bits, so that it is the same number as float and as double */
static double random_unit(void) { return (double)(random_word() >> 44) / 524288.0 - 1.0; }

/* FNV-1a over the elements' bits, lowest byte first whatever the machine's order. */
static uint64_t hash;

static void hash_bits(uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; i++) hash = (hash ^ (bits >> (8 * i) & 255)) * UINT64_C(0x100000001b3);
}

static void hash_f32(const float *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, p + i, sizeof bits);
        hash_bits(bits, 4);
    }
}

static void hash_f64(const double *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, p + i, sizeof bits);
        hash_bits(bits, 8);
    }
}

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

static void one(size_t n, double t) {
    const ptrdiff_t stride = (ptrdiff_t)n;
    softdraw_softmax_f32(x32, stride, out32, stride, 1, n, &t, 0);
    hash_f32(out32, n);
    softdraw_log_softmax_f32(x32, stride, out32, stride, 1, n, &t, 0);
    hash_f32(out32, n);
    softdraw_logsumexp_f32(x32, stride, out32, 1, 1, n, &t, 0);
    hash_f32(out32, 1);
}

static void one_f64(size_t n, double t) {
    const ptrdiff_t stride = (ptrdiff_t)n;
    softdraw_softmax_f64(x64, stride, out64, stride, 1, n, &t, 0);
    hash_f64(out64, n);
    softdraw_log_softmax_f64(x64, stride, out64, stride, 1, n, &t, 0);
    hash_f64(out64, n);
    softdraw_logsumexp_f64(x64, stride, out64, 1, 1, n, &t, 0);
    hash_f64(out64, 1);
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

#define ONE_HALF(type, x)                                                  \
    static void one_##type(size_t n, double t) {                           \
        const ptrdiff_t stride = (ptrdiff_t)n;                             \
        fill_halves(n);                                                    \
        softdraw_softmax_##type(x, stride, out16, stride, 1, n, &t, 0);    \
        hash_halves(out16, n);                                             \
        softdraw_log_softmax_##type(x, stride, out16, stride, 1, n, &t, 0); \
        hash_halves(out16, n);                                             \
        softdraw_logsumexp_##type(x, stride, out16, 1, 1, n, &t, 0);       \
        hash_halves(out16, 1);                                             \
    }
ONE_HALF(f16, x16)
ONE_HALF(bf16, xb16)

/* rows that follow each other, each with a temperature of its own */
static void rows_f32(size_t n, double t) {
    double each[11];
    size_t rows = n ? LONGEST / n : 0;
    if (rows > 11) rows = 11;
    for (int i = 0; i < 11; i++) each[i] = i == 7 ? t : 0.5 + i;
    for (size_t i = n; i < rows * n; i++) x32[i] = x32[i % n] * (float)(i / n);
    softdraw_softmax_f32(x32, (ptrdiff_t)n, out32, (ptrdiff_t)n, rows, n, each, 1);
    hash_f32(out32, rows * n);
}

static void entropies(size_t n, double t) {
    const ptrdiff_t stride = (ptrdiff_t)n;
    softdraw_entropy_f32(x32, stride, out32, 1, 1, n, &t, 0);
    hash_f32(out32, 1);
    softdraw_entropy_f64(x64, stride, out64, 1, 1, n, &t, 0);
    hash_f64(out64, 1);
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
        hash_f64(&t, 1);
    }
}

static uint64_t corpus(void (*each)(size_t, double)) {
    hash = UINT64_C(0xcbf29ce484222325);
    random_state = 1;
    for (int variant = 0; variant < 420; variant++) {
        const size_t n = variant < 396 ? (size_t)(variant % 132) : (size_t)(variant * 997 % LONGEST);
        fill(n, variant);
        each(n, temperatures[variant % 11]);
        each(n, temperatures[variant % 3]);
    }
    return hash;
}

int main(void) {
    if (softdraw_tier_in_use() < 0) {
        puts("test_bits: SOFTDRAW_ISA names a tier that is not available");
        return 1;
    }
    const uint64_t got[] = {corpus(one), corpus(one_f64), corpus(one_f16), corpus(one_bf16),
                            corpus(rows_f32), corpus(entropies), corpus(temperatures_for)};
    const uint64_t committed[] = {HASH_F32, HASH_F64, HASH_F16, HASH_BF16, HASH_ROWS,
                                  HASH_ENTROPY, HASH_TEMPERATURE_FOR};
    const char *const names[] = {"float32", "float64", "float16",        "bfloat16",
                                 "rows",    "entropy", "temperature_for"};
    int different = 0;
    for (int i = 0; i < 7; i++) {
        printf("%s %s: %s 0x%016llx\n", got[i] == committed[i] ? "ok" : "DIFFERENT",
               softdraw_tier_name(softdraw_tier_in_use()), names[i], (unsigned long long)got[i]);
        different += got[i] != committed[i];
    }
    return different != 0;
}
