/* The generator softdraw_xoshiro, eight interleaved lanes of xoshiro256++: seeding, jumps, and words in
 * order. Steps of all lanes at once are a kernel of the tier in use (sampling/xoshiro.h).
 *
 * A step is a linear map of the 256 bits of a lane's state, over GF(2). So n steps are a polynomial in that
 * map: x^n modulo its characteristic polynomial. A polynomial is its 256 coefficients, the lowest first. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

enum { LANES = 8 };

/* Three polynomials, which tests/random/test_random.py derives again from the map itself. */
static const uint64_t characteristic[4] = {/* without its x^256 */
                                           0x9d116f2bb0f0f001, 0x0280002bcefd1a5e, 0x04b4edcf26259f85,
                                           0x0003c03c3f3ecb19};
static const uint64_t jump_2_128[4] = {/* x^(2^128) */
                                       0x180ec6d33cfd0aba, 0xd5a61266f0c9392c, 0xa9582618e03fc9aa,
                                       0x39abdc4529b1661c};
static const uint64_t jump_2_192[4] = {/* x^(2^192) */
                                       0x76e15d3efefdcbbf, 0xc5004e441c522fb3, 0x77710069854ee241,
                                       0x39109bb02acbe635};

static int coefficient(const uint64_t a[4], int i) { return (int)(a[i / 64] >> i % 64 & 1); }

/* a = a * x modulo the characteristic polynomial. */
SD_INLINE void multiply_by_x(uint64_t a[4]) {
    const uint64_t reduce = (uint64_t)0 - (a[3] >> 63);
    for (int k = 3; k >= 0; k--) {
        const uint64_t carry = k ? a[k - 1] >> 63 : 0;
        a[k] = (a[k] << 1 | carry) ^ (characteristic[k] & reduce);
    }
}

/* a = a * b modulo the characteristic polynomial, from the highest coefficient of b down. */
static void multiply(uint64_t a[4], const uint64_t b[4]) {
    uint64_t product[4] = {0, 0, 0, 0};
    for (int i = 255; i >= 0; i--) {
        const uint64_t add = (uint64_t)0 - (uint64_t)coefficient(b, i);
        multiply_by_x(product);
        for (int k = 0; k < 4; k++) product[k] ^= a[k] & add;
    }
    memcpy(a, product, sizeof product);
}

/* Moves bit i of the lower 32 to bit 2i. */
static uint64_t spread(uint64_t bits) {
    bits &= 0xffffffff;
    bits = (bits | bits << 16) & 0x0000ffff0000ffff;
    bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
    bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
    bits = (bits | bits << 2) & 0x3333333333333333;
    return (bits | bits << 1) & 0x5555555555555555;
}

/* a = a * a modulo the characteristic polynomial. Over GF(2) a square has the coefficients of a at twice
 * their places, so it takes a third of the time of multiply. */
static void square(uint64_t a[4]) {
    uint64_t low[4], high[4]; /* coefficients 0 to 255, and those from 256 on */
    for (int k = 0; k < 4; k++) {
        low[k] = spread(a[k / 2] >> k % 2 * 32);
        high[k] = spread(a[2 + k / 2] >> k % 2 * 32);
    }
    for (int i = 0; i < 256; i++) multiply_by_x(high);
    for (int k = 0; k < 4; k++) a[k] = low[k] ^ high[k];
}

/* Applies the polynomial to the first lanes: the sum of the states after i steps, for each i whose
 * coefficient is 1. */
static void apply(uint64_t s[4][LANES], int lanes, const uint64_t polynomial[4]) {
    for (int j = 0; j < lanes; j++) {
        uint64_t s0 = s[0][j], s1 = s[1][j], s2 = s[2][j], s3 = s[3][j];
        uint64_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (int i = 0; i < 256; i++) {
            const uint64_t add = (uint64_t)0 - (uint64_t)coefficient(polynomial, i), t = s1 << 17;
            sum0 ^= s0 & add;
            sum1 ^= s1 & add;
            sum2 ^= s2 & add;
            sum3 ^= s3 & add;
            s2 ^= s0;
            s3 ^= s1;
            s1 ^= s2;
            s0 ^= s3;
            s2 ^= t;
            s3 = s3 << 45 | s3 >> 19;
        }
        s[0][j] = sum0;
        s[1][j] = sum1;
        s[2][j] = sum2;
        s[3][j] = sum3;
    }
}

/* Forgets the words that are buffered, and the half-word that NumPy keeps. */
static void drop_buffer(softdraw_xoshiro *generator) {
    memset(generator->buffer, 0, sizeof generator->buffer);
    generator->used = LANES;
    generator->has_uint32 = 0;
    generator->uinteger = 0;
}

int softdraw_xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]) {
    if (!generator || !state) return SOFTDRAW_ERROR_NULL;
    uint64_t s[4][LANES] = {{state[0]}, {state[1]}, {state[2]}, {state[3]}};
    if (!(state[0] | state[1] | state[2] | state[3])) s[3][0] = 1;
    for (int j = 0; j < LANES; j++) {
        if (j) apply(s, 1, jump_2_128);
        for (int k = 0; k < 4; k++) generator->s[k][j] = s[k][0];
    }
    drop_buffer(generator);
    return SOFTDRAW_OK;
}

int softdraw_xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps) {
    uint64_t polynomial[4] = {1, 0, 0, 0}, power[4];
    if (!generator) return SOFTDRAW_ERROR_NULL;
    memcpy(power, jump_2_192, sizeof power);
    for (; jumps; jumps >>= 1) {
        if (jumps & 1) multiply(polynomial, power);
        square(power);
    }
    apply(generator->s, LANES, polynomial);
    drop_buffer(generator);
    return SOFTDRAW_OK;
}

/* Binary digit i of high * 2^64 + low. */
static int digit(uint64_t low, uint64_t high, int i) {
    return (int)((i < 64 ? low >> i : high >> (i - 64)) & 1);
}

/* Steps all lanes high * 2^64 + low times. */
static void step(softdraw_xoshiro *generator, uint64_t low, uint64_t high) {
    uint64_t polynomial[4] = {0};
    int i = 127, first = 0;
    for (; i >= 0 && first < 128; i--) first = first << 1 | digit(low, high, i);
    polynomial[first / 64] = (uint64_t)1 << first % 64; /* a power below x^256 is its own remainder */
    for (; i >= 0; i--) {
        square(polynomial);
        if (digit(low, high, i)) multiply_by_x(polynomial);
    }
    apply(generator->s, LANES, polynomial);
}

int softdraw_xoshiro_advance(softdraw_xoshiro *generator, uint64_t low, uint64_t high) {
    if (!generator) return SOFTDRAW_ERROR_NULL;
    generator->has_uint32 = 0;
    generator->uinteger = 0;
    /* The last word that is passed over becomes word number `used` of a block, counted from 1, and `blocks` is
     * how many blocks lie before that one, counted from the one in the buffer. */
    uint64_t used = generator->used + low % LANES;
    uint64_t blocks = low / LANES | high << 61, blocks_high = high / LANES;
    if (used > LANES) {
        used -= LANES;
        blocks++;
        blocks_high += blocks == 0;
    } else if (used == 0 && (blocks | blocks_high)) {
        used = LANES;
        blocks_high -= blocks == 0;
        blocks--;
    }
    generator->used = LANES;
    if (blocks | blocks_high) { /* the last block is made, as taking its first word does */
        step(generator, blocks - 1, blocks_high - (blocks == 0));
        softdraw_xoshiro_next(generator);
    }
    generator->used = (uint32_t)used;
    return SOFTDRAW_OK;
}

uint64_t softdraw_xoshiro_next(softdraw_xoshiro *generator) {
    if (generator->used >= LANES) {
        const sd_word_kernels *kernels = sd_word_kernels_in_use();
        if (!kernels) kernels = &sd_scalar_words; /* no error can be returned; the words are the same */
        kernels->xoshiro_blocks(generator->s, generator->buffer, 1);
        generator->used = 0;
    }
    return generator->buffer[generator->used++];
}

int softdraw_xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n && (!generator || !out)) return SOFTDRAW_ERROR_NULL;
    while (n && generator->used < LANES) {
        *out++ = generator->buffer[generator->used++];
        n--;
    }
    if (n == 0) return SOFTDRAW_OK;
    const size_t blocks = n / LANES;
    kernels->xoshiro_blocks(generator->s, out, blocks);
    for (size_t i = blocks * LANES; i < n; i++) out[i] = softdraw_xoshiro_next(generator);
    return SOFTDRAW_OK;
}
