/* Draws from logits: rows of every kind, with every filter, in float32, float64 and both halves, give
 * these draws and log-probabilities on every tier, compiler and machine; a row alone draws what it draws
 * among others, nothing that a filter or a mask drops is drawn, and bad rows are refused. */
#include "check.h"

#define HASH UINT64_C(0xed76f8d27c294807)

enum { LONGEST = 70001, WORDS = 16 };

static float x32[LONGEST];
static double x64[LONGEST];
static uint16_t xf16[LONGEST], xbf16[LONGEST];
static uint8_t allowed[LONGEST];
static uint32_t allowed_bits[LONGEST / 32 + 1];
static uint64_t words[WORDS];
static void *scratch;

/* n logits of a kind: sums of random bits, so that they are near normal, then spread, sorted by
 * construction, clumped, periodic, tied, or all alike; all exact in bfloat16 or nearly so */
static void fill(size_t n, int kind, double spread) {
    for (size_t i = 0; i < n; i++) {
        const uint64_t from = kind == 2 ? i / 64 : kind == 3 ? i % 64 : i;
        if (kind == 2 || kind == 3) random_state = 977 * from + 13;
        double x = 0;
        for (int k = 0; k < 8; k++) x += random_unit();
        if (kind == 1) x = 4 * (double)i / (double)n - 2;
        if (kind == 4) x = (double)(random_word() >> 61) / 2;
        if (kind == 5) x = 0.25;
        x *= spread;
        if (kind == 6 && (random_word() & 3)) x = -INFINITY;
        x32[i] = (float)x;
        x64[i] = (double)x32[i];
        allowed[i] = (random_word() & 7) != 0 ? 1 : 0;
    }
    x32[n / 2] = 1;
    x64[n / 2] = 1;
    allowed[n / 2] = 2;
    memset(allowed_bits, 0, sizeof allowed_bits);
    for (size_t i = 0; i < n; i++) {
        xbf16[i] = (uint16_t)(float_bits(x32[i]) >> 16);
        xf16[i] = (uint16_t)(i % 2 ? 0x3c00 + i % 1024 : 0xbc00 + i % 512);
        if (allowed[i]) allowed_bits[i / 32] |= UINT32_C(1) << i % 32;
    }
}

static void one(size_t n, const softdraw_filters *f) {
    int64_t ids[WORDS], others[WORDS];
    float logs32[WORDS];
    double logs64[WORDS];
    size_t where;
    CHECK(softdraw_sample_f32(x32, 0, 1, n, f, words, WORDS, ids, logs32, scratch, &where) == SOFTDRAW_OK);
    for (int i = 0; i < WORDS; i++) {
        CHECK(ids[i] >= 0 && (size_t)ids[i] < n && x32[ids[i]] > -INFINITY);
        CHECK(!f->allowed || allowed[ids[i]]);
        CHECK(logs32[i] <= 0 && logs32[i] > -INFINITY);
        hash_bits((uint64_t)ids[i], 8);
        hash_floats(logs32 + i, 1);
        /* a word alone, and without logarithms */
        CHECK(softdraw_sample_f32(x32, 0, 1, n, f, words + i, 1, others, NULL, scratch, &where) == SOFTDRAW_OK);
        CHECK(others[0] == ids[i]);
    }
    if (f->allowed) { /* the same by bits */
        softdraw_filters by_bits = *f;
        by_bits.allowed = NULL;
        by_bits.allowed_bits = allowed_bits;
        CHECK(softdraw_sample_f32(x32, 0, 1, n, &by_bits, words, WORDS, others, NULL, scratch, &where) ==
              SOFTDRAW_OK);
        CHECK(memcmp(ids, others, sizeof ids) == 0);
    }
    CHECK(softdraw_sample_f64(x64, 0, 1, n, f, words, WORDS, ids, logs64, scratch, &where) == SOFTDRAW_OK);
    for (int i = 0; i < WORDS; i++) {
        CHECK(x64[ids[i]] > -INFINITY && (!f->allowed || allowed[ids[i]]));
        hash_bits((uint64_t)ids[i], 8);
        hash_doubles(logs64 + i, 1);
    }
    CHECK(softdraw_sample_bf16(xbf16, 0, 1, n, f, words, WORDS, ids, logs32, scratch, &where) == SOFTDRAW_OK);
    for (int i = 0; i < WORDS; i++) hash_bits((uint64_t)ids[i], 8);
    CHECK(softdraw_sample_f16(xf16, 0, 1, n, f, words, WORDS, ids, logs32, scratch, &where) == SOFTDRAW_OK);
    for (int i = 0; i < WORDS; i++) hash_bits((uint64_t)ids[i], 8);
}

/* Rows that follow each other draw what each draws alone. */
static void rows(size_t n) {
    enum { ROWS = 45 };
    static float all[ROWS * 70];
    double t[ROWS];
    uint64_t word[ROWS];
    int64_t ids[ROWS], id;
    size_t where;
    fill(ROWS * n, 6, 1);
    for (size_t i = 0; i < ROWS; i++) {
        memcpy(all + i * n, x32 + i * n, n * sizeof *all);
        all[i * n + i % n] = (float)i;
        if (i == 20) all[i * n] = 1e9f;
        t[i] = i == 33 ? 0 : i == 34 ? 1e-30 : i == 35 ? INFINITY : 0.1 + (double)(i % 7);
        word[i] = i == 3 ? 0 : i == 4 ? UINT64_MAX : random_word();
    }
    softdraw_filters f = SOFTDRAW_FILTERS_INIT;
    f.temperature = t;
    f.temperature_stride = 1;
    CHECK(softdraw_sample_f32(all, (ptrdiff_t)n, ROWS, n, &f, word, 1, ids, NULL, NULL, &where) == SOFTDRAW_OK);
    for (size_t i = 0; i < ROWS; i++) {
        f.temperature = t + i;
        CHECK(softdraw_sample_f32(all + i * n, 0, 1, n, &f, word + i, 1, &id, NULL, NULL, &where) == SOFTDRAW_OK);
        CHECK(ids[i] == id);
        hash_bits((uint64_t)id, 8);
    }
}

/* The same with filters, masks and halves, in rows so short that they are drawn from side by side. Some sums
 * are exactly p times the total. */
static void filtered_rows(size_t n, int kind) {
    enum { ROWS = 45, COMBINATIONS = 16 };
    double t[ROWS], top_p[ROWS], min_p[ROWS];
    uint64_t top_k[ROWS], word[ROWS];
    int64_t ids[ROWS], halves[ROWS], id;
    size_t where;
    fill(ROWS * n, kind, 1);
    for (size_t i = 0; i < ROWS; i++) {
        x32[i * n + i % n] = 1.5f;
        xbf16[i * n + i % n] = 0x3fc0;
        allowed[i * n + i % n] = 1;
        if (i == 20) x32[i * n] = 1e9f;
        t[i] = i == 33 ? 0 : i == 34 ? 1e-30 : i == 35 ? INFINITY : i == 36 ? 0.004 : 0.1 + (double)(i % 7);
        top_k[i] = 1 + i % (n + 2);
        top_p[i] = i % 5 == 0 ? 0.5 : i % 5 == 1 ? 1 : i % 5 == 2 ? 0 : fabs(random_unit());
        min_p[i] = i % 3 == 0 ? 0 : fabs(random_unit()) / 4;
        word[i] = i == 3 ? 0 : i == 4 ? UINT64_MAX : random_word();
    }
    for (int set = 1; set < COMBINATIONS; set++) {
        softdraw_filters f = SOFTDRAW_FILTERS_INIT;
        f.temperature = t;
        f.top_k = set & 1 ? top_k : NULL;
        f.top_p = set & 2 ? top_p : NULL;
        f.min_p = set & 4 ? min_p : NULL;
        f.allowed = set & 8 ? allowed : NULL;
        f.temperature_stride = f.top_k_stride = f.top_p_stride = f.min_p_stride = 1;
        f.allowed_stride = (ptrdiff_t)n;
        CHECK(softdraw_sample_f32(x32, (ptrdiff_t)n, ROWS, n, &f, word, 1, ids, NULL, scratch, &where) == SOFTDRAW_OK);
        CHECK(softdraw_sample_bf16(xbf16, (ptrdiff_t)n, ROWS, n, &f, word, 1, halves, NULL, scratch, &where) ==
              SOFTDRAW_OK);
        for (size_t i = 0; i < ROWS; i++) {
            f.temperature = t + i;
            f.top_k = set & 1 ? top_k + i : NULL;
            f.top_p = set & 2 ? top_p + i : NULL;
            f.min_p = set & 4 ? min_p + i : NULL;
            f.allowed = set & 8 ? allowed + i * n : NULL;
            CHECK(softdraw_sample_f32(x32 + i * n, 0, 1, n, &f, word + i, 1, &id, NULL, scratch, &where) ==
                  SOFTDRAW_OK);
            CHECK(ids[i] == id);
            CHECK(softdraw_sample_bf16(xbf16 + i * n, 0, 1, n, &f, word + i, 1, &id, NULL, scratch, &where) ==
                  SOFTDRAW_OK);
            CHECK(halves[i] == id);
        }
    }
}

/* top_p keeps the smallest set that reaches p times the total, however close another set comes. Masses are
 * powers of two times a constant, since T = log2(e), so that sums are known: the items 0 have the mass 1, and
 * p times the total is a little `more` than that of all of them, so that the first -1, item 0, is kept as
 * well, or a little less. The smallest items are in lanes with larger ones such that plain sums in float32
 * are off by more than this little, downwards or upwards. */
static void nearly_equal_sums(size_t n, int more) {
    enum { CHUNK = 256, FIRST_ZERO = 3 * CHUNK };
    double t = 1.4426950408889634, zeros = 0, others = 0, p;
    int64_t ids[2];
    size_t where;
    softdraw_filters f = SOFTDRAW_FILTERS_INIT;
    f.temperature = &t;
    f.top_p = &p;
    for (size_t i = 0; i < n; i++) {
        if (i % CHUNK < 16) x32[i] = i == 0 || random_word() >> 61 == 0 ? -1 : -2;
        else x32[i] = x32[i / CHUNK * CHUNK + i % 16] - (more ? 25 : 24);
        if (i / CHUNK % 4 == 3) x32[i] = 0;
        if (x32[i] == 0) zeros += 1;
        else others += ldexp(1, (int)x32[i]);
    }
    p = (zeros + (more ? 1e-5 : -1e-5)) / (zeros + others);
    const uint64_t ends[2] = {0, (uint64_t)(0.6 / (zeros + 0.5) * 0x1p64)};
    CHECK(softdraw_sample_f32(x32, 0, 1, n, &f, ends, 2, ids, NULL, scratch, &where) == SOFTDRAW_OK);
    if (ids[0] != (more ? 0 : FIRST_ZERO) || ids[1] != FIRST_ZERO)
        FAIL("%d items, more = %d: %d and %d\n", (int)n, more, (int)ids[0], (int)ids[1]);
}

static void refused(void) {
    float x[40];
    int64_t id[2];
    const uint64_t word[2] = {1, 2};
    double t = 1, p = 0.5;
    uint64_t k = 3;
    size_t where = 99;
    softdraw_filters f = SOFTDRAW_FILTERS_INIT;
    f.temperature = &t;
    for (int i = 0; i < 40; i++) x[i] = (float)i;
#define SAMPLE(rows) softdraw_sample_f32(x, 20, rows, 20, &f, word, 1, id, NULL, scratch, &where)
    x[27] = NAN;
    CHECK(SAMPLE(1) == SOFTDRAW_OK);
    CHECK(SAMPLE(2) == SOFTDRAW_ERROR_LOGIT && where == 27);
    x[27] = INFINITY;
    f.top_k = &k;
    CHECK(SAMPLE(2) == SOFTDRAW_ERROR_LOGIT && where == 27);
    f.top_p = &p;
    CHECK(SAMPLE(2) == SOFTDRAW_ERROR_LOGIT && where == 27);
    for (int i = 20; i < 40; i++) x[i] = -INFINITY;
    CHECK(SAMPLE(2) == SOFTDRAW_ERROR_NOTHING && where == 1);
    t = 0;
    CHECK(SAMPLE(2) == SOFTDRAW_ERROR_NOTHING && where == 1);
    t = -1;
    CHECK(SAMPLE(1) == SOFTDRAW_ERROR_TEMPERATURE && where == 0);
    t = NAN;
    CHECK(SAMPLE(1) == SOFTDRAW_ERROR_TEMPERATURE);
    t = 1;
    k = 0;
    CHECK(SAMPLE(1) == SOFTDRAW_ERROR_FILTER);
    k = 1;
    p = 1.5;
    CHECK(SAMPLE(1) == SOFTDRAW_ERROR_FILTER);
    p = 1;
    CHECK(SAMPLE(1) == SOFTDRAW_OK && id[0] == 19);
    CHECK(softdraw_sample_f32(x, 0, 1, 0, &f, word, 1, id, NULL, scratch, &where) == SOFTDRAW_ERROR_LENGTH);
    CHECK(softdraw_sample_f32(x, 0, 0, 20, &f, word, 1, id, NULL, scratch, &where) == SOFTDRAW_OK);
}

int main(void) {
    require_tier();
    begin_hash();
    static const size_t lengths[] = {1, 2, 7, 16, 17, 40, 65, 1000, 1025, 4096, 5003, 20000, LONGEST};
    static const double temperatures[] = {0.7, 1, 3, 0, 1e-30, INFINITY, 5e-324, 1e30};
    static const double spreads[] = {0.1, 1, 4, 20};
    static const double ps[] = {0.95, 0.5, 0.999, 0, 0.05};
    static const double leasts[] = {0.1, 0.001, 0.7};
    static const uint64_t ks[] = {40, 1, 3, 700, 10000};
    scratch = malloc(softdraw_sample_scratch_f64(LONGEST));
    CHECK(scratch != NULL);
    for (int i = 0; i < 13 * 14; i++) {
        const size_t n = lengths[i % 13];
        random_state = (uint64_t)i + 1;
        fill(n, i / 13 % 7, spreads[i % 4]);
        for (int w = 0; w < WORDS; w++)
            words[w] = w == 0 ? 0 : w == 1 ? UINT64_MAX : (uint64_t)w << 60 | random_word() >> 4;
        for (int which = 0; which < 8; which++) {
            softdraw_filters f = SOFTDRAW_FILTERS_INIT;
            f.temperature = temperatures + (which < 5 ? i % 2 : (i + which) % 8);
            if (which & 1) f.top_p = ps + (i + which) % 5;
            if (which & 2) f.top_k = ks + (i + which) % 5;
            if (which & 4) f.min_p = leasts + (i + which) % 3;
            if (which == 0 || which == 5) f.allowed = allowed;
            if (n > 5003 && which > 1 && which != 4) continue; /* for the emulators' sake */
            one(n, &f);
        }
    }
    for (size_t n = 1; n < 70; n += 3) rows(n);
    for (int i = 0; i < 200; i++) nearly_equal_sums(16384 + (size_t)i / 2 * 256, i % 2);
    refused();
    for (size_t n = 1; n < 19; n++)
        for (int kind = 0; kind < 7; kind++) filtered_rows(n, kind);
    free(scratch);
    check_hash("draws", HASH);
    return finish();
}
