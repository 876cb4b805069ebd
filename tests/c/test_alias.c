/* Alias tables: units that sum to 2^64, and every word that could be on a wrong side. */
#include "alias/exact_sum.h"
#include "check.h"

enum { MOST = 1 << 14 };

static uint64_t units[MOST], buckets[MOST], scratch[MOST];

/* Builds the table and takes it apart again, with nothing written past what is said; returns its
 * bits. */
static unsigned build(const double *weights, size_t n) {
    const unsigned bits = softdraw_alias_bits(n);
    const size_t count = (size_t)1 << bits, words = softdraw_alias_scratch(n) / sizeof *scratch;
    size_t largest = n;
    uint64_t sum = 0;
    CHECK(words < MOST);
    if (count < MOST) buckets[count] = 12345;
    scratch[words] = 54321;
    CHECK(softdraw_alias_build_f64(weights, n, buckets, scratch, &largest) == SOFTDRAW_OK);
    CHECK(scratch[words] == 54321 && (count == MOST || buckets[count] == 12345));
    softdraw_alias_units(buckets, bits, n, units);
    for (size_t i = 0; i < n; i++) {
        CHECK(weights[i] <= weights[largest]);
        CHECK(weights[i] > 0 || units[i] == 0);
        CHECK(weights[i] == 0 || units[i] > 0 || i == largest);
        sum += units[i];
    }
    CHECK(sum == 0);
    return bits;
}

/* Counts what each bucket draws between its first word, its keep and its last word, and looks at
 * the words on both sides of each: with the counts right, so is every word. */
static void check_every_boundary(unsigned bits, size_t n) {
    const uint64_t size = (uint64_t)1 << (64 - bits);
    static uint64_t counted[MOST];
    memset(counted, 0, sizeof counted);
    for (uint64_t own = 0; own < (uint64_t)1 << bits; own++) {
        const uint64_t keep = buckets[own] >> bits, first = own << (64 - bits);
        const uint64_t alias = softdraw_alias_map1(buckets, bits, first + (size - 1));
        CHECK(keep < size && alias < n);
        CHECK(softdraw_alias_map1(buckets, bits, first) == (keep ? own : alias));
        if (keep) CHECK(softdraw_alias_map1(buckets, bits, first + keep - 1) == own);
        CHECK(softdraw_alias_map1(buckets, bits, first + keep) == alias);
        if (keep) counted[own] += keep;
        counted[alias] += size - keep;
    }
    CHECK(memcmp(counted, units, n * sizeof *units) == 0);
}

/* The order that src/core/alias/arrange.h defines, by the plainest of loops, from the units. */
static void check_the_arrangement(unsigned bits, size_t n) {
    static uint64_t left[MOST], expected[MOST];
    const uint64_t capacity = (uint64_t)1 << (64 - bits);
    const size_t count = (size_t)1 << bits;
    size_t heavy = 0;
    for (size_t i = 0; i < count; i++) {
        left[i] = i < n ? units[i] : 0;
        expected[i] = i;
    }
    while (heavy < n && left[heavy] <= capacity) heavy++;
    if (heavy == n) return; /* all full, or one that holds everything */
    for (size_t i = 0; i < count; i++) {
        if ((i < n ? units[i] : 0) >= capacity) continue;
        for (size_t light = i;;) {
            expected[light] = left[light] << bits | heavy;
            left[heavy] -= capacity - left[light];
            if (left[heavy] > capacity) break;
            light = heavy;
            for (heavy++; heavy < n && units[heavy] <= capacity;) heavy++;
            if (left[light] == capacity) break;
        }
    }
    CHECK(memcmp(buckets, expected, count * sizeof *buckets) == 0);
}

static void tables_of_all_sizes_and_shapes_are_exact(void) {
    static double weights[MOST];
    for (size_t n = 1; n <= MOST; n += 1 + n / 20) {
        for (int shape = 0; shape < 8; shape++) {
            for (size_t i = 0; i < n; i++) {
                const double u = uniform();
                weights[i] = shape == 0   ? u
                             : shape == 1 ? ldexp(u, (int)(random_word() % 2000) - 1070)
                             : shape == 2 ? (double)(i == n / 2)
                             : shape == 3 ? (i == n / 2 ? 1 : u * 0x1p-70)
                             : shape == 4 ? (double)(i % 3)
                             : shape == 5 ? 0.1
                             : shape == 6 ? 1 / (u + 0x1p-30)
                                          : 1 - u * 0x1p-20;
            }
            if (shape != 5) weights[n / 2] += 0x1p-1074; /* so that one is positive */
            const unsigned bits = build(weights, n);
            check_every_boundary(bits, n);
            check_the_arrangement(bits, n);
        }
    }
}

/* Integer weights that sum to 2^12 are multiples of 2^52 units, and bucket limits too, so that all
 * words with the same top 12 bits draw alike: all 2^64 words are counted by 2^12 of them. */
static void every_word_of_a_small_build_is_counted(void) {
    const size_t n = 300;
    double weights[300] = {0};
    for (int i = 0; i < 4096; i++) weights[random_word() % n * (random_word() % n) / n] += 1;
    const unsigned bits = build(weights, n);
    double counted[300] = {0};
    static uint64_t words[4096];
    static int64_t drawn[4096];
    for (int end = 0; end < 2; end++) {
        for (uint64_t i = 0; i < 4096; i++) words[i] = i << 52 | (end ? 0xfffffffffffff : 0);
        CHECK(softdraw_alias_map(buckets, bits, words, 4096, drawn) == SOFTDRAW_OK);
        for (int i = 0; i < 4096; i++) {
            CHECK((uint64_t)drawn[i] == softdraw_alias_map1(buckets, bits, words[i]));
            counted[drawn[i]] += 0.5;
        }
    }
    CHECK(memcmp(counted, weights, sizeof weights) == 0);
}

static void the_same_values_have_the_same_table_in_every_type(void) {
    double f64[100];
    float f32[100];
    uint64_t u64[100], expected[128];
    for (int i = 0; i < 100; i++) {
        u64[i] = random_word() >> 40;
        f64[i] = f32[i] = (float)u64[i];
    }
    CHECK(softdraw_alias_build_f64(f64, 100, expected, scratch, NULL) == SOFTDRAW_OK);
    CHECK(softdraw_alias_build_f32(f32, 100, buckets, scratch, NULL) == SOFTDRAW_OK);
    CHECK(memcmp(buckets, expected, sizeof expected) == 0);
    CHECK(softdraw_alias_build_u64(u64, 100, buckets, scratch, NULL) == SOFTDRAW_OK);
    CHECK(memcmp(buckets, expected, sizeof expected) == 0);
}

static void integers_past_2_to_53_are_exact(void) {
    /* their sum is 2^65; as doubles the first two would be 2^64 */
    const uint64_t most = ~(uint64_t)0, weights[4] = {4, most - 1, most - 1, 0};
    size_t largest;
    CHECK(softdraw_alias_build_u64(weights, 4, buckets, scratch, &largest) == SOFTDRAW_OK);
    softdraw_alias_units(buckets, 2, 4, units);
    CHECK(largest == 1 && units[0] == 2 && units[3] == 0);
    CHECK(units[1] == most >> 1 && units[2] == most >> 1);
}

static uint64_t next_word(void *state) { return softdraw_xoshiro_next(state); }

static void draws_are_those_of_the_words_of_their_generator(void) {
    const uint64_t seed[4] = {1, 2, 3, 4};
    enum { DRAWS = 3000 };
    double weights[70];
    uint64_t words[DRAWS];
    int64_t drawn[DRAWS];
    softdraw_xoshiro generator, again;
    softdraw_xoshiro_seed(&generator, seed);
    again = generator;
    for (int i = 0; i < 70; i++) weights[i] = i;
    const unsigned bits = build(weights, 70);
    softdraw_xoshiro_fill(&again, words, DRAWS);
    for (int i = 0; i < 3; i++) CHECK(softdraw_xoshiro_word(&generator) == words[i]);
    for (int i = 0; i < 3; i++) drawn[i] = (int64_t)softdraw_alias_map1(buckets, bits, words[i]);
    CHECK(softdraw_alias_sample(buckets, bits, &generator, DRAWS - 1003, drawn + 3) == SOFTDRAW_OK);
    CHECK(softdraw_alias_draw(buckets, bits, next_word, &generator, 1000, drawn + DRAWS - 1000) ==
          SOFTDRAW_OK);
    CHECK(softdraw_xoshiro_word(&generator) == softdraw_xoshiro_next(&again));
    for (int i = 0; i < DRAWS; i++) {
        CHECK((uint64_t)drawn[i] == softdraw_alias_map1(buckets, bits, words[i]));
    }
}

static void rows_are_tables_of_their_own(void) {
    enum { ROWS = 4, DRAWS = 300 };
    const double weights[9] = {1, 2, 3, 0, 0, 5, 1, 1, 1};
    const int64_t indptr[ROWS + 1] = {0, 3, 3, 5, 9}; /* the second is empty, the third all zeros */
    const size_t most = softdraw_alias_rows_max_buckets(indptr, ROWS);
    uint64_t records[ROWS], block[16], table[4], words[DRAWS];
    int64_t rows[DRAWS], drawn[DRAWS];
    size_t where;
    CHECK(most == 4 + 2 + 4 && softdraw_alias_rows_max_length(indptr, ROWS) == 4);
    CHECK(softdraw_alias_rows_build_f64(weights, indptr, ROWS, records, block, scratch, &where) ==
          SOFTDRAW_OK);
    CHECK(where == 8);
    CHECK(softdraw_alias_build_f64(weights, 3, table, scratch, NULL) == SOFTDRAW_OK);
    CHECK(memcmp(block, table, sizeof table) == 0);
    CHECK(softdraw_alias_build_f64(weights + 5, 4, table, scratch, NULL) == SOFTDRAW_OK);
    CHECK(memcmp(block + 4, table, sizeof table) == 0);
    for (int i = 0; i < DRAWS; i++) {
        rows[i] = i % 2 ? 0 : 3;
        words[i] = random_word();
    }
    CHECK(softdraw_alias_rows_map(block, records, ROWS, rows, words, DRAWS, drawn, NULL) ==
          SOFTDRAW_OK);
    for (int i = 0; i < DRAWS; i++) {
        CHECK((uint64_t)drawn[i] ==
              softdraw_alias_map1(i % 2 ? block : block + 4, 2, words[i]));
    }
    const int64_t bad[4] = {1, 2, 4, -1};
    for (int i = 0; i < 4; i++) {
        rows[DRAWS - 1] = bad[i];
        CHECK(softdraw_alias_rows_map(block, records, ROWS, rows, words, DRAWS, drawn, &where) ==
              (i < 2 ? SOFTDRAW_ERROR_ZERO : SOFTDRAW_ERROR_ROW));
        CHECK(where == DRAWS - 1);
    }
    const double wrong[4] = {1, 2, 3, -1};
    const int64_t two[3] = {0, 2, 4};
    CHECK(softdraw_alias_rows_build_f64(wrong, two, 2, records, block, scratch, &where) ==
          SOFTDRAW_ERROR_WEIGHT);
    CHECK(where == 3);
}

static void bad_weights_are_told(void) {
    const double bad[] = {-1, NAN, INFINITY, -INFINITY, -0x1p-1074};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const double f64[3] = {1, bad[i], -1};
        const float f32[3] = {1, i == 4 ? -0x1p-149f : (float)bad[i], -1};
        size_t where = 9;
        CHECK(softdraw_alias_build_f64(f64, 3, buckets, scratch, &where) == SOFTDRAW_ERROR_WEIGHT);
        CHECK(where == 1);
        CHECK(softdraw_alias_build_f64(f64, 3, buckets, scratch, NULL) == SOFTDRAW_ERROR_WEIGHT);
        where = 9;
        CHECK(softdraw_alias_build_f32(f32, 3, buckets, scratch, &where) == SOFTDRAW_ERROR_WEIGHT);
        CHECK(where == 1);
    }
    const double zeros[3] = {0, -0.0, 0};
    CHECK(softdraw_alias_build_f64(zeros, 3, buckets, scratch, NULL) == SOFTDRAW_ERROR_ZERO);
    CHECK(softdraw_alias_build_f64(zeros, 0, buckets, scratch, NULL) == SOFTDRAW_ERROR_LENGTH);
}

static void bits_are_the_fewest_that_have_room(void) {
    CHECK(softdraw_alias_bits(1) == 1);
    CHECK(softdraw_alias_bits(2) == 1);
    CHECK(softdraw_alias_bits(3) == 2);
    CHECK(softdraw_alias_bits(1024) == 10);
    CHECK(softdraw_alias_bits(1025) == 11);
}

/* two bits, at each place in a limb, as far apart as the result can hold */
static void the_sum_has_106_bits(void) {
    for (unsigned place = 0; place < 32; place++) {
        sd_exact_sum sum = {{0}};
        double high, low;
        int exponent;
        sd_exact_sum_add(&sum, 1, SD_SUM_POSITION_OF_1 + place);
        sd_exact_sum_add(&sum, 1, SD_SUM_POSITION_OF_1 + place - 105);
        sd_exact_sum_top(&sum, &high, &low, &exponent);
        CHECK(high == 1 && low == 0x1p-105 && exponent == (int)place);
    }
}

int main(void) {
    require_tier();
    the_sum_has_106_bits();
    tables_of_all_sizes_and_shapes_are_exact();
    every_word_of_a_small_build_is_counted();
    the_same_values_have_the_same_table_in_every_type();
    integers_past_2_to_53_are_exact();
    draws_are_those_of_the_words_of_their_generator();
    rows_are_tables_of_their_own();
    bad_weights_are_told();
    bits_are_the_fewest_that_have_room();
    return finish();
}
