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

/* a = a * b modulo the characteristic polynomial, from the highest coefficient of b down. */
static void multiply(uint64_t a[4], const uint64_t b[4]) {
    uint64_t product[4] = {0, 0, 0, 0};
    for (int i = 255; i >= 0; i--) {
        const uint64_t reduce = (uint64_t)0 - (product[3] >> 63);
        const uint64_t add = (uint64_t)0 - (uint64_t)coefficient(b, i);
        for (int k = 3; k >= 0; k--) {
            const uint64_t carry = k ? product[k - 1] >> 63 : 0;
            product[k] = (product[k] << 1 | carry) ^ (characteristic[k] & reduce) ^ (a[k] & add);
        }
    }
    memcpy(a, product, sizeof product);
}

/* One step of one lane. */
static void step(uint64_t s[4]) {
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
}

/* Applies the polynomial to the state s: the sum of the states after i steps, for each i whose
 * coefficient is 1. */
static void advance(uint64_t s[4], const uint64_t polynomial[4]) {
    uint64_t sum[4] = {0, 0, 0, 0};
    for (int i = 0; i < 256; i++) {
        const uint64_t add = (uint64_t)0 - (uint64_t)coefficient(polynomial, i);
        for (int k = 0; k < 4; k++) sum[k] ^= s[k] & add;
        step(s);
    }
    memcpy(s, sum, sizeof sum);
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
    uint64_t s[4] = {state[0], state[1], state[2], state[3]};
    if (!(s[0] | s[1] | s[2] | s[3])) s[3] = 1;
    for (int j = 0; j < LANES; j++) {
        if (j) advance(s, jump_2_128);
        for (int k = 0; k < 4; k++) generator->s[k][j] = s[k];
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
        multiply(power, power);
    }
    for (int j = 0; j < LANES; j++) {
        uint64_t s[4];
        for (int k = 0; k < 4; k++) s[k] = generator->s[k][j];
        advance(s, polynomial);
        for (int k = 0; k < 4; k++) generator->s[k][j] = s[k];
    }
    drop_buffer(generator);
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
