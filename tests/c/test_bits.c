/* The softmax family gives these bits on every tier, compiler and machine: a fixed corpus is hashed
 * and held to the committed hash. Run it with SOFTDRAW_ISA set to each tier in turn. */
#include "softdraw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HASH_F32 UINT64_C(0x1165d317f75eddf7)
#define HASH_F64 UINT64_C(0x98e17027d222667f)

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
    const uint64_t f32 = corpus(one), f64 = corpus(one_f64);
    const int same = f32 == HASH_F32 && f64 == HASH_F64;
    printf("%s %s: float32 0x%016llx, float64 0x%016llx\n", same ? "ok" : "DIFFERENT",
           softdraw_tier_name(softdraw_tier_in_use()), (unsigned long long)f32,
           (unsigned long long)f64);
    return !same;
}
