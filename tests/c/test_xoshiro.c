/* The generator against eight plain xoshiro256++ and against itself. */
#include "check.h"

enum { WORDS = 1003 };

static const uint64_t seed[4] = {1, 2, 3, 4};

static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

/* The output of lane j, whose state then moves on. */
static uint64_t plain_next(softdraw_xoshiro *g, int j) {
    uint64_t s[4];
    for (int k = 0; k < 4; k++) s[k] = g->s[k][j];
    const uint64_t word = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    for (int k = 0; k < 4; k++) g->s[k][j] = s[k];
    return word;
}

static void words_are_those_of_eight_plain_lanes(void) {
    softdraw_xoshiro g, plain;
    softdraw_xoshiro_seed(&g, seed);
    plain = g;
    uint64_t words[WORDS];
    CHECK(softdraw_xoshiro_fill(&g, words, WORDS) == SOFTDRAW_OK);
    for (int i = 0; i < WORDS; i++) CHECK(words[i] == plain_next(&plain, i % 8));
    /* Blackman and Vigna's xoshiro256plusplus.c gives this from the state {1, 2, 3, 4} */
    CHECK(words[0] == 41943041 && words[8] == 58720359);
}

static void words_come_in_order_however_they_are_asked_for(void) {
    softdraw_xoshiro whole, parts;
    softdraw_xoshiro_seed(&whole, seed);
    parts = whole;
    uint64_t expected[WORDS], words[WORDS];
    CHECK(softdraw_xoshiro_fill(&whole, expected, WORDS) == SOFTDRAW_OK);
    for (size_t n = 0, i = 0; i < WORDS; i += n, n = (n + 1) % 30) {
        if (n > WORDS - i) n = WORDS - i;
        CHECK(softdraw_xoshiro_fill(&parts, words + i, n) == SOFTDRAW_OK);
        if (n % 3 == 0 && i + n < WORDS) words[i + n++] = softdraw_xoshiro_next(&parts);
    }
    CHECK(memcmp(words, expected, sizeof words) == 0);
}

static void jumps_add_up(void) {
    softdraw_xoshiro two_steps, one_step;
    softdraw_xoshiro_seed(&two_steps, seed);
    one_step = two_steps;
    softdraw_xoshiro_jump(&two_steps, 1000003);
    softdraw_xoshiro_jump(&two_steps, ~(uint64_t)0);
    softdraw_xoshiro_jump(&one_step, 1000002);
    /* 2^64 long jumps are 2^256 steps, one more than the period */
    for (int j = 0; j < 8; j++) plain_next(&one_step, j);
    CHECK(memcmp(two_steps.s, one_step.s, sizeof one_step.s) == 0);
}

static void a_jump_of_nothing_only_drops_the_buffer(void) {
    softdraw_xoshiro g, before;
    softdraw_xoshiro_seed(&g, seed);
    softdraw_xoshiro_next(&g);
    before = g;
    softdraw_xoshiro_jump(&g, 0);
    CHECK(memcmp(g.s, before.s, sizeof g.s) == 0);
    CHECK(before.used == 1 && g.used == 8);
}

static void advance_passes_over_as_many_words(void) {
    for (int taken = 0; taken < 10; taken++) {
        for (uint64_t delta = 0; delta < 600; delta++) {
            softdraw_xoshiro g = {0}, expected;
            softdraw_xoshiro_seed(&g, seed);
            for (int i = 0; i < taken; i++) softdraw_xoshiro_next(&g);
            expected = g;
            for (uint64_t i = 0; i < delta; i++) softdraw_xoshiro_next(&expected);
            g.has_uint32 = g.uinteger = 1;
            CHECK(softdraw_xoshiro_advance(&g, delta, 0) == SOFTDRAW_OK);
            CHECK(memcmp(&g, &expected, sizeof g) == 0);
        }
    }
}

static void advances_add_up(void) {
    const uint64_t most = ~(uint64_t)0;
    softdraw_xoshiro once = {0}, twice;
    for (int taken = 0; taken < 9; taken++) {
        softdraw_xoshiro_seed(&once, seed);
        for (int i = 0; i < taken; i++) softdraw_xoshiro_next(&once);
        twice = once;
        softdraw_xoshiro_advance(&twice, most, most >> 1); /* 2^127 - 1 words, and 6 */
        softdraw_xoshiro_advance(&twice, 6, 0);
        softdraw_xoshiro_advance(&once, 5, (uint64_t)1 << 63);
        CHECK(memcmp(&once, &twice, sizeof once) == 0);
        /* 2^131 words are 2^128 steps of each lane, which is how far apart the lanes stand */
        softdraw_xoshiro_seed(&once, seed);
        for (int i = 0; i < 8 + taken; i++) softdraw_xoshiro_next(&once);
        twice = once;
        for (int i = 0; i < 8; i++) {
            softdraw_xoshiro_advance(&twice, most, most);
            softdraw_xoshiro_advance(&twice, 1, 0);
        }
        for (int j = 0; j < 7; j++) CHECK(twice.buffer[j] == once.buffer[j + 1]);
    }
}

static void a_state_of_zeros_is_not_taken(void) {
    const uint64_t zeros[4] = {0, 0, 0, 0}, instead[4] = {0, 0, 0, 1};
    softdraw_xoshiro a, b;
    softdraw_xoshiro_seed(&a, zeros);
    softdraw_xoshiro_seed(&b, instead);
    CHECK(memcmp(a.s, b.s, sizeof a.s) == 0);
}

int main(void) {
    require_tier();
    words_are_those_of_eight_plain_lanes();
    words_come_in_order_however_they_are_asked_for();
    jumps_add_up();
    a_jump_of_nothing_only_drops_the_buffer();
    advance_passes_over_as_many_words();
    advances_add_up();
    a_state_of_zeros_is_not_taken();
    return finish();
}
