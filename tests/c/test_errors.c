/* Bad input is a named error, and nothing is written. */
#include "check.h"

#define FAILS(error, call) CHECK((call) == SOFTDRAW_ERROR_##error)
#define IS_FINE(call) CHECK((call) == SOFTDRAW_OK)

enum { N = 4, ROWS = 2, DRAWS = 3 };

static const double one = 1, below = -1, zero = 0;
static const double not_temperatures[] = {-1, -DBL_MIN, -DBL_TRUE_MIN, -INFINITY, NAN};

static void every_error_has_a_sentence_of_its_own(void) {
    for (int a = SOFTDRAW_OK; a <= SOFTDRAW_ERROR_NULL; a++) {
        CHECK(strcmp(softdraw_strerror(a), softdraw_strerror(-1)) != 0);
        for (int b = 0; b < a; b++) CHECK(strcmp(softdraw_strerror(a), softdraw_strerror(b)) != 0);
    }
    CHECK(softdraw_strerror(SOFTDRAW_ERROR_NULL + 1) == softdraw_strerror(-1));
}

static void the_version_is_that_of_the_header(void) {
    CHECK(softdraw_version() == SOFTDRAW_VERSION);
    CHECK(SOFTDRAW_VERSION == 10000 * SOFTDRAW_VERSION_MAJOR + 100 * SOFTDRAW_VERSION_MINOR +
                                  SOFTDRAW_VERSION_PATCH);
}

/* x, out and temperature in turn, and invalid temperatures, of the last row or of all. A row of
 * nothing has a logsumexp and an entropy, but nothing that a softmax could write. */
#define CHECK_ROWS(name, type, writes_for_nothing)                                                   \
    do {                                                                                             \
        type x[N * ROWS] = {0}, out[N * ROWS];                                                       \
        static type before[N * ROWS];                                                                \
        memset(out, 0x55, sizeof out);                                                               \
        memcpy(before, out, sizeof out);                                                             \
        FAILS(NULL, softdraw_##name(NULL, N, out, N, ROWS, N, &one, 0));                             \
        FAILS(NULL, softdraw_##name(x, N, NULL, N, ROWS, N, &one, 0));                               \
        FAILS(NULL, softdraw_##name(x, N, out, N, ROWS, N, NULL, 0));                                \
        for (int i = 0; i < 5; i++) {                                                                \
            const double last[ROWS] = {1, not_temperatures[i]};                                      \
            FAILS(TEMPERATURE, softdraw_##name(x, N, out, N, ROWS, N, last, 1));                     \
            FAILS(TEMPERATURE, softdraw_##name(x, N, out, N, ROWS, N, last + 1, 0));                 \
        }                                                                                            \
        CHECK(memcmp(before, out, sizeof out) == 0);                                                 \
        IS_FINE(softdraw_##name(NULL, 0, NULL, 0, 0, N, NULL, 0));                                   \
        if (writes_for_nothing) FAILS(NULL, softdraw_##name(NULL, 0, NULL, 0, 1, 0, &one, 0));       \
        else IS_FINE(softdraw_##name(NULL, 0, NULL, 0, 1, 0, &one, 0));                              \
        IS_FINE(softdraw_##name(NULL, 0, out, 1, ROWS, 0, &one, 0));                                 \
        IS_FINE(softdraw_##name(NULL, -N, out, 1, ROWS, 0, &one, 0));                                \
        IS_FINE(softdraw_##name(x, N, out, N, ROWS, N, &one, 0));                                    \
    } while (0)
#define CHECK_TYPES(name, writes_for_nothing)                                                        \
    do {                                                                                             \
        CHECK_ROWS(name##_f32, float, writes_for_nothing);                                           \
        CHECK_ROWS(name##_f64, double, writes_for_nothing);                                          \
        CHECK_ROWS(name##_f16, uint16_t, writes_for_nothing);                                        \
        CHECK_ROWS(name##_bf16, uint16_t, writes_for_nothing);                                       \
    } while (0)

static void rows_must_be_somewhere_and_temperatures_valid(void) {
    CHECK_TYPES(softmax, 0);
    CHECK_TYPES(log_softmax, 0);
    CHECK_TYPES(logsumexp, 1);
    CHECK_TYPES(entropy, 1);
}

static void a_gradient_needs_all_three_and_a_positive_temperature(void) {
    const double p[N] = {0.25, 0.25, 0.25, 0.25};
    double out[N] = {7, 7, 7, 7};
    FAILS(NULL, softdraw_softmax_vjp_f64(NULL, N, p, N, out, N, 1, N, &one, 0));
    FAILS(NULL, softdraw_softmax_vjp_f64(p, N, NULL, N, out, N, 1, N, &one, 0));
    FAILS(NULL, softdraw_softmax_vjp_f64(p, N, p, N, NULL, N, 1, N, &one, 0));
    FAILS(NULL, softdraw_softmax_vjp_f64(p, N, p, N, out, N, 1, N, NULL, 0));
    FAILS(TEMPERATURE, softdraw_softmax_vjp_f64(p, N, p, N, out, N, 1, N, &zero, 0));
    FAILS(NULL, softdraw_softmax_vjp_f32(NULL, N, NULL, N, NULL, N, 1, N, &one, 0));
    for (int i = 0; i < N; i++) CHECK(out[i] == 7);
    IS_FINE(softdraw_softmax_vjp_f64(NULL, 0, NULL, 0, NULL, 0, 1, 0, &one, 0));
}

static void a_temperature_is_sought_for_something(void) {
    const double x[N] = {0, 1, 2, 3}, wanted = 1;
    double out = 7, range[2] = {7, 7};
    FAILS(NULL, softdraw_temperature_for_f64(NULL, N, 1, N, SOFTDRAW_ENTROPY, &wanted, 0, &out, NULL));
    FAILS(NULL, softdraw_temperature_for_f64(x, N, 1, N, SOFTDRAW_ENTROPY, NULL, 0, &out, NULL));
    FAILS(NULL, softdraw_temperature_for_f64(x, N, 1, N, SOFTDRAW_ENTROPY, &wanted, 0, NULL, NULL));
    FAILS(TARGET, softdraw_temperature_for_f64(x, N, 1, N, 99, &wanted, 0, &out, NULL));
    FAILS(LOGIT, softdraw_temperature_for_f64(NULL, N, 1, 0, SOFTDRAW_ENTROPY, &wanted, 0, &out, NULL));
    FAILS(NULL, softdraw_temperature_for_range_f64(NULL, N, SOFTDRAW_ENTROPY, range));
    FAILS(NULL, softdraw_temperature_for_range_f64(x, N, SOFTDRAW_ENTROPY, NULL));
    FAILS(TARGET, softdraw_temperature_for_range_f64(x, N, -1, range));
    CHECK(out == 7 && range[0] == 7 && range[1] == 7);
}

static void a_generator_is_somewhere(void) {
    const uint64_t seed[4] = {1, 2, 3, 4};
    uint64_t words[DRAWS] = {7, 7, 7};
    softdraw_xoshiro g, before;
    memset(&g, 0, sizeof g); /* its buffer, too, which seeding leaves alone, so that all of it can be compared */
    FAILS(NULL, softdraw_xoshiro_seed(NULL, seed));
    FAILS(NULL, softdraw_xoshiro_seed(&g, NULL));
    FAILS(NULL, softdraw_xoshiro_jump(NULL, 1));
    FAILS(NULL, softdraw_xoshiro_advance(NULL, 1, 0));
    IS_FINE(softdraw_xoshiro_seed(&g, seed));
    before = g;
    FAILS(NULL, softdraw_xoshiro_fill(NULL, words, DRAWS));
    FAILS(NULL, softdraw_xoshiro_fill(&g, NULL, DRAWS));
    IS_FINE(softdraw_xoshiro_fill(&g, NULL, 0));
    CHECK(words[0] == 7 && memcmp(&g, &before, sizeof g) == 0);
}

static uint64_t next_word(void *state) { return softdraw_xoshiro_next(state); }

static void a_table_is_of_weights_and_has_their_bits(void) {
    const uint64_t seed[4] = {1, 2, 3, 4}, words[DRAWS] = {0, 1, 2};
    const double weights[N] = {1, 2, 3, 4}, bad[N] = {1, -1, 3, NAN}, zeros[N] = {0};
    uint64_t buckets[N] = {7, 7, 7, 7}, scratch[64], units[N] = {7};
    int64_t out[DRAWS] = {7};
    size_t where = 7;
    softdraw_xoshiro g;
    IS_FINE(softdraw_xoshiro_seed(&g, seed));
    CHECK(softdraw_alias_scratch(N) <= sizeof scratch);

    FAILS(NULL, softdraw_alias_build_f64(NULL, N, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_build_f64(weights, N, NULL, scratch, &where));
    FAILS(NULL, softdraw_alias_build_f64(weights, N, buckets, NULL, &where));
    FAILS(NULL, softdraw_alias_build_f32(NULL, N, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_build_u64(NULL, N, buckets, scratch, &where));
    FAILS(LENGTH, softdraw_alias_build_f64(weights, 0, buckets, scratch, &where));
#if SIZE_MAX > 0xffffffff
    FAILS(LENGTH, softdraw_alias_build_f64(NULL, ((size_t)1 << 32) + 1, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_build_f64(NULL, (size_t)1 << 32, buckets, scratch, &where));
#endif
    CHECK(where == 7 && buckets[0] == 7);
    FAILS(WEIGHT, softdraw_alias_build_f64(bad, N, buckets, scratch, &where));
    CHECK(where == 1);
    FAILS(ZERO, softdraw_alias_build_f64(zeros, N, buckets, scratch, NULL));
    IS_FINE(softdraw_alias_build_f64(weights, N, buckets, scratch, NULL));

    FAILS(NULL, softdraw_alias_units(NULL, 2, N, units));
    FAILS(NULL, softdraw_alias_units(buckets, 2, N, NULL));
    FAILS(LENGTH, softdraw_alias_units(buckets, 2, 0, units));
    FAILS(LENGTH, softdraw_alias_units(buckets, 3, N, units));
    FAILS(NULL, softdraw_alias_map(NULL, 2, words, DRAWS, out));
    FAILS(NULL, softdraw_alias_map(buckets, 2, NULL, DRAWS, out));
    FAILS(NULL, softdraw_alias_map(buckets, 2, words, DRAWS, NULL));
    FAILS(LENGTH, softdraw_alias_map(buckets, 0, words, DRAWS, out));
    FAILS(LENGTH, softdraw_alias_map(buckets, 33, words, DRAWS, out));
    FAILS(NULL, softdraw_alias_sample(NULL, 2, &g, DRAWS, out));
    FAILS(NULL, softdraw_alias_sample(buckets, 2, NULL, DRAWS, out));
    FAILS(NULL, softdraw_alias_sample(buckets, 2, &g, DRAWS, NULL));
    FAILS(LENGTH, softdraw_alias_sample(buckets, 0, &g, DRAWS, out));
    FAILS(NULL, softdraw_alias_draw(buckets, 2, NULL, &g, DRAWS, out));
    FAILS(NULL, softdraw_alias_draw(NULL, 2, next_word, &g, DRAWS, out));
    FAILS(LENGTH, softdraw_alias_draw(buckets, 64, next_word, &g, DRAWS, out));
    CHECK(out[0] == 7 && units[0] == 7);
    FAILS(LENGTH, softdraw_alias_units((const uint64_t[]){0, 0, 3, 0}, 2, 3, units)); /* no category 3 */
    IS_FINE(softdraw_alias_map(buckets, 2, NULL, 0, NULL));
    IS_FINE(softdraw_alias_sample(buckets, 2, &g, 0, NULL));
}

static void rows_of_tables_are_in_order(void) {
    const double weights[N] = {1, 2, 3, 4};
    const int64_t indptr[ROWS + 1] = {0, 2, 4}, decreasing[ROWS + 1] = {0, 4, 2},
                  negative[ROWS + 1] = {-1, 2, 4}, rows[DRAWS] = {0, 1, 2};
    const uint64_t words[DRAWS] = {0, 0, 0};
    uint64_t records[ROWS], buckets[N], scratch[64];
    int64_t out[DRAWS];
    size_t where = 7;
    FAILS(NULL, softdraw_alias_rows_build_f64(NULL, indptr, ROWS, records, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_rows_build_f64(weights, NULL, ROWS, records, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_rows_build_f64(weights, indptr, ROWS, NULL, buckets, scratch, &where));
    FAILS(NULL, softdraw_alias_rows_build_f64(weights, indptr, ROWS, records, NULL, scratch, &where));
    FAILS(NULL, softdraw_alias_rows_build_f64(weights, indptr, ROWS, records, buckets, NULL, &where));
    CHECK(where == 7);
    FAILS(LENGTH,
          softdraw_alias_rows_build_f64(weights, decreasing, ROWS, records, buckets, scratch, &where));
    CHECK(where == 1);
    FAILS(LENGTH,
          softdraw_alias_rows_build_f64(weights, negative, ROWS, records, buckets, scratch, &where));
    CHECK(where == 0);
    IS_FINE(softdraw_alias_rows_build_f64(NULL, NULL, 0, NULL, NULL, NULL, NULL));
    IS_FINE(softdraw_alias_rows_build_f64(weights, indptr, ROWS, records, buckets, scratch, NULL));
    CHECK(softdraw_alias_rows_max_buckets(NULL, 0) == 0 && softdraw_alias_rows_max_length(NULL, 0) == 0);
    const int64_t far_apart[3] = {INT64_MAX, INT64_MIN, INT64_MIN + 5};
    CHECK(softdraw_alias_rows_max_length(far_apart, 2) == 5 && softdraw_alias_rows_max_buckets(far_apart, 2) == 8);

    FAILS(NULL, softdraw_alias_rows_map(NULL, records, ROWS, rows, words, DRAWS, out, NULL));
    FAILS(NULL, softdraw_alias_rows_map(buckets, NULL, ROWS, rows, words, DRAWS, out, NULL));
    FAILS(NULL, softdraw_alias_rows_map(buckets, records, ROWS, NULL, words, DRAWS, out, NULL));
    FAILS(NULL, softdraw_alias_rows_map(buckets, records, ROWS, rows, NULL, DRAWS, out, NULL));
    FAILS(NULL, softdraw_alias_rows_map(buckets, records, ROWS, rows, words, DRAWS, NULL, NULL));
    FAILS(ROW, softdraw_alias_rows_map(buckets, records, ROWS, rows, words, DRAWS, out, &where));
    CHECK(where == 2);
    IS_FINE(softdraw_alias_rows_map(buckets, records, ROWS, NULL, NULL, 0, NULL, NULL));
}

static void draws_from_logits_need_logits_words_and_room(void) {
    const float x[N] = {1, 2, 3, 4};
    const uint64_t words[DRAWS] = {1, 2, 3}, top = 2, none = 0;
    const double share = 0.9, too_much = 2;
    int64_t ids[DRAWS] = {7}, same[DRAWS];
    float logprobs[DRAWS] = {7};
    static double scratch[8192];
    size_t where;
    softdraw_filters f = SOFTDRAW_FILTERS_INIT;
    CHECK(softdraw_sample_scratch_f32(N) <= sizeof scratch);
    for (size_t n = SIZE_MAX; n > SIZE_MAX - 200; n--)
        CHECK(softdraw_sample_scratch_f32(n) == SIZE_MAX && softdraw_sample_scratch_f64(n) == SIZE_MAX);
    CHECK(softdraw_sample_scratch_f64(SIZE_MAX / 64) > SIZE_MAX / 64 * 20);
    FAILS(NULL, softdraw_sample_f32(NULL, N, 1, N, &f, words, DRAWS, ids, NULL, NULL, &where));
    FAILS(NULL, softdraw_sample_f32(x, N, 1, N, &f, NULL, DRAWS, ids, NULL, NULL, &where));
    FAILS(NULL, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, NULL, NULL, NULL, &where));
    FAILS(NULL, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, logprobs, NULL, &where));
    FAILS(LENGTH, softdraw_sample_f32(x, N, 1, 0, &f, words, DRAWS, ids, NULL, NULL, &where));
    FAILS(LENGTH, softdraw_sample_f32(NULL, N, 1, UINT32_MAX - 126, &f, words, DRAWS, ids, NULL, NULL, &where));
    FAILS(NULL, softdraw_sample_f32(NULL, N, 1, UINT32_MAX - 127, &f, words, DRAWS, ids, NULL, NULL, &where));
    f.temperature = &below;
    FAILS(TEMPERATURE, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, NULL, &where));
    f.temperature = &one;
    f.min_p = &one;
    FAILS(NULL, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, NULL, &where));
    f.min_p = NULL;
    f.top_k = &none;
    FAILS(FILTER, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, scratch, &where));
    f.top_k = &top;
    FAILS(NULL, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, NULL, &where));
    f.top_p = &too_much;
    FAILS(FILTER, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, scratch, NULL));
    CHECK(ids[0] == 7 && logprobs[0] == 7);
    f.top_p = &share;
    const uint8_t bytes[N] = {1};
    const uint32_t bits[(N + 31) / 32] = {1};
    f.allowed = bytes;
    f.allowed_bits = bits;
    FAILS(FILTER, softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, scratch, NULL));
    f.allowed = NULL;
    f.allowed_bits = NULL;
    IS_FINE(softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, logprobs, scratch, NULL));

    IS_FINE(softdraw_sample_f32(NULL, 0, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, NULL));
    IS_FINE(softdraw_sample_f32(x, N, 1, N, NULL, NULL, 0, NULL, NULL, NULL, NULL));
    f = (softdraw_filters)SOFTDRAW_FILTERS_INIT;
    IS_FINE(softdraw_sample_f32(x, N, 1, N, &f, words, DRAWS, ids, NULL, NULL, NULL));
    IS_FINE(softdraw_sample_f32(x, N, 1, N, NULL, words, DRAWS, same, NULL, NULL, NULL));
    CHECK(memcmp(ids, same, sizeof ids) == 0);
}

/* What a program of a later release passes, which has one filter more. */
typedef struct {
    softdraw_filters known;
    const double *later;
} later_filters;

static void filters_tell_their_size(void) {
    const float x[N] = {1, 2, 3, 4};
    const uint64_t words[DRAWS] = {1, 2, 3}, top = 1;
    int64_t ids[DRAWS];
    static double scratch[8192];
    size_t where = 7;
    later_filters f = {SOFTDRAW_FILTERS_INIT, NULL};
#define SAMPLE() softdraw_sample_f32(x, N, 1, N, &f.known, words, DRAWS, ids, NULL, scratch, &where)
    CHECK(f.known.size == sizeof(softdraw_filters));
    f.known.top_k = &top;
    IS_FINE(SAMPLE());
    f.known.size = 0;
    FAILS(FILTER, SAMPLE());
    CHECK(where == 0);
    f.known.size = sizeof f.known - 1;
    FAILS(FILTER, SAMPLE());
    f.known.size = sizeof f;
    ids[0] = 7;
    IS_FINE(SAMPLE());
    CHECK(ids[0] == N - 1);
    f.later = &one;
    FAILS(FILTER, SAMPLE());
    f.known.size = sizeof f.known;
    IS_FINE(SAMPLE());
}

/* The strides of one row lead nowhere, and may be anything; sanitizers see whether a pointer overflows. */
static void one_row_takes_any_stride(void) {
    static const ptrdiff_t strides[] = {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 8 + 1};
    static const size_t lengths[] = {1, 7, 20, 200, 5000};
    static float x32[5000], out32[5000];
    static double x[5000], out[5000];
    static uint16_t half[5000], out_half[5000];
    static double scratch[30000];
    const double target = 0.9;
    const uint64_t k = 3, word = 5;
    int64_t id;
    x32[0] = 1, x[0] = 1, half[0] = 0x3c00;
    for (int i = 0; i < 3; i++) {
        const ptrdiff_t s = strides[i];
        softdraw_filters f = SOFTDRAW_FILTERS_INIT;
        f.top_k = &k, f.top_k_stride = s, f.top_p = &one, f.top_p_stride = s;
        for (int j = 0; j < 5; j++) {
            const size_t n = lengths[j];
            IS_FINE(softdraw_softmax_f32(x32, s, out32, s, 1, n, &one, s));
            IS_FINE(softdraw_softmax_f64(x, s, out, s, 1, n, &one, s));
            IS_FINE(softdraw_softmax_f16(half, s, out_half, s, 1, n, &one, s));
            IS_FINE(softdraw_log_softmax_f32(x32, s, out32, s, 1, n, &one, s));
            IS_FINE(softdraw_logsumexp_f64(x, s, out, s, 1, n, &one, s));
            IS_FINE(softdraw_entropy_f32(x32, s, out32, s, 1, n, &one, s));
            IS_FINE(softdraw_softmax_vjp_f64(x, s, x, s, out, s, 1, n, &one, s));
            IS_FINE(softdraw_sample_f32(x32, s, 1, n, &f, &word, 1, &id, NULL, scratch, NULL));
            IS_FINE(softdraw_sample_f64(x, s, 1, n, NULL, &word, 1, &id, NULL, NULL, NULL));
            if (n == 7) IS_FINE(softdraw_temperature_for_f64(x, s, 1, n, SOFTDRAW_TOP_PROB, &target, s, out, NULL));
        }
    }
}

int main(void) {
    require_tier();
    one_row_takes_any_stride();
    every_error_has_a_sentence_of_its_own();
    the_version_is_that_of_the_header();
    rows_must_be_somewhere_and_temperatures_valid();
    a_gradient_needs_all_three_and_a_positive_temperature();
    a_temperature_is_sought_for_something();
    a_generator_is_somewhere();
    a_table_is_of_weights_and_has_their_bits();
    rows_of_tables_are_in_order();
    draws_from_logits_need_logits_words_and_room();
    filters_tell_their_size();
    return finish();
}
