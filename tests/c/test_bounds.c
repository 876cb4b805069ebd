/* The softmax family reads and writes nothing outside its rows, and where they lie changes no bit:
 * rows that begin or end beside a page that faults, at every alignment, in place or not, of every
 * length to 130, about the lengths of blocks, and past the caches. Draws, from logits and from a table,
 * touch nothing past the ends of their arrays and of scratch, either. */
#define _DEFAULT_SOURCE
#include "check.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

enum { LONGEST = (1 << 22) + 77, MARGIN = 64 };

#define CALL(name)                                                                                   \
    static void name(const void *x, void *out, ptrdiff_t out_stride, size_t rows, size_t n, double t) { \
        softdraw_##name(x, (ptrdiff_t)n, out, out_stride, rows, n, &t, 0);                           \
    }
CALL(softmax_f32)
CALL(softmax_f64)
CALL(log_softmax_f32)
CALL(log_softmax_f64)
CALL(logsumexp_f32)
CALL(logsumexp_f64)

static const struct {
    const char *name;
    size_t size;
    int reduces;
    void (*call)(const void *x, void *out, ptrdiff_t out_stride, size_t rows, size_t n, double t);
} functions[] = {
    {"softmax_f32", 4, 0, softmax_f32},         {"softmax_f64", 8, 0, softmax_f64},
    {"log_softmax_f32", 4, 0, log_softmax_f32}, {"log_softmax_f64", 8, 0, log_softmax_f64},
    {"logsumexp_f32", 4, 1, logsumexp_f32},     {"logsumexp_f64", 8, 1, logsumexp_f64},
};

/* memory between two pages that fault */
typedef struct { char *begin, *end; } fenced;

#if defined(_WIN32)
static size_t page_size(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}
static char *pages(size_t bytes) {
    return VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
}
static int forbid(char *begin, size_t bytes) {
    DWORD before;
    return VirtualProtect(begin, bytes, PAGE_NOACCESS, &before) != 0;
}
#else
static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }
static char *pages(size_t bytes) {
    void *begin = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return begin == MAP_FAILED ? NULL : begin;
}
static int forbid(char *begin, size_t bytes) { return mprotect(begin, bytes, PROT_NONE) == 0; }
#endif

static fenced fence(size_t bytes) {
    const size_t page = page_size();
    bytes = (bytes + page - 1) / page * page;
    char *whole = pages(bytes + 2 * page);
    CHECK(whole != NULL);
    const fenced f = {whole + page, whole + page + bytes};
    CHECK(forbid(whole, page) && forbid(f.end, page));
    return f;
}

static fenced in, out;
static double source[LONGEST], wanted[LONGEST];

static void fail(const char *what, int f, size_t n, double t, size_t away, int at_end) {
    FAIL("%s of %zu at T = %g, %zu elements from the %s: %s\n", functions[f].name, n, t, away,
         at_end ? "end" : "beginning", what);
}

static int is_marked(const char *p, ptrdiff_t bytes) {
    for (ptrdiff_t i = 0; i < bytes && i < MARGIN; i++)
        if (p[i] != 0x5a) return 0;
    return 1;
}

/* source, `away` elements from a fence, and the results likewise */
static void check_place(int f, size_t n, double t, size_t away, int at_end) {
    const size_t size = functions[f].size, bytes = n * size;
    const size_t result_bytes = functions[f].reduces ? size : bytes;
    char *x = at_end ? in.end - bytes - away * size : in.begin + away * size;
    char *y = at_end ? out.end - result_bytes - away * size : out.begin + away * size;
    const ptrdiff_t before = y - out.begin < MARGIN ? y - out.begin : MARGIN;
    const ptrdiff_t behind = out.end - (y + result_bytes);
    memcpy(x, source, bytes);
    memset(y - before, 0x5a, (size_t)before);
    memset(y + result_bytes, 0x5a, behind < MARGIN ? (size_t)behind : MARGIN);
    functions[f].call(x, y, 1, 1, n, t);
    if (memcmp(y, wanted, result_bytes) != 0) fail("other bits", f, n, t, away, at_end);
    if (memcmp(x, source, bytes) != 0) fail("x is written to", f, n, t, away, at_end);
    if (!is_marked(y - before, before) || !is_marked(y + result_bytes, behind))
        fail("written outside", f, n, t, away, at_end);
    if (functions[f].reduces) return;
    functions[f].call(x, x, 1, 1, n, t);
    if (memcmp(x, wanted, bytes) != 0) fail("other bits in place", f, n, t, away, at_end);
}

static void check_length(int f, size_t n, double t, size_t places) {
    float *const narrow = (float *)source;
    for (size_t i = 0; i < n; i++) {
        const double value = i % 29 == 17 ? -INFINITY : 40 * uniform() - 35;
        if (functions[f].size == 4) narrow[i] = (float)value;
        else source[i] = value;
    }
    if (n % 31 == 30) { /* a row that is filled with NaN */
        if (functions[f].size == 4) narrow[n / 2] = INFINITY;
        else source[n / 2] = INFINITY;
    }
    functions[f].call(source, wanted, 1, 1, n, t);
    for (size_t away = 0; away < places; away++)
        for (int at_end = 0; at_end < 2; at_end++) check_place(f, n, t, away, at_end);
}

/* Rows that follow each other, the first at the beginning of a page or the last at the end of one. */
static void check_rows(int f, size_t rows, size_t n, double t) {
    const size_t size = functions[f].size, row = n * size, result = functions[f].reduces ? size : row;
    for (int at_end = 0; at_end < 2; at_end++) {
        char *x = at_end ? in.end - rows * row : in.begin, *y = at_end ? out.end - rows * result : out.begin;
        memcpy(x, source, rows * row);
        functions[f].call(x, y, (ptrdiff_t)(result / size), rows, n, t);
        for (size_t i = 0; i < rows; i++) {
            functions[f].call((const char *)source + i * row, wanted, 1, 1, n, t);
            if (memcmp(y + i * result, wanted, result) != 0) fail("other bits in rows", f, n, t, i, at_end);
        }
    }
}

/* ---- draws: every array ends at a page that faults ---- */

#define SAMPLE(type)                                                                                   \
    static int sample_##type(const void *x, size_t rows, size_t n, const softdraw_filters *f,          \
                             const uint64_t *words, size_t draws, int64_t *ids, void *logs,            \
                             void *scratch) {                                                          \
        return softdraw_sample_##type(x, (ptrdiff_t)n, rows, n, f, words, draws, ids, logs, scratch,   \
                                      NULL);                                                           \
    }
SAMPLE(f32)
SAMPLE(f64)
SAMPLE(f16)
SAMPLE(bf16)

static const struct {
    size_t size, log_size;
    int (*call)(const void *x, size_t rows, size_t n, const softdraw_filters *f, const uint64_t *words,
                size_t draws, int64_t *ids, void *logs, void *scratch);
} samplers[] = {{4, 4, sample_f32}, {8, 8, sample_f64}, {2, 4, sample_f16}, {2, 4, sample_bf16}};

enum { MOST_DRAWS = 16, BITS = 20 };
static fenced mask, words, ids, logs, scratch;

/* logits of any type before `end`: its bits are those of numbers from 1 to 2, or for bfloat16 near 0.01 */
static char *logits_before(char *end, int type, size_t count) {
    const size_t size = samplers[type].size;
    char *const begin = end - count * size;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = size == 8   ? UINT64_C(0x3ff) << 52 | random_word() >> 12
                              : size == 4 ? UINT64_C(0x3f8) << 20 | random_word() >> 41
                                          : UINT64_C(0x3c00) | random_word() >> 54;
        uint32_t low = (uint32_t)bits;
        uint16_t half = (uint16_t)bits;
        memcpy(begin + i * size, size == 8 ? (void *)&bits : size == 4 ? (void *)&low : (void *)&half, size);
    }
    return begin;
}

static void check_draws(int type, size_t rows, size_t n, size_t draws, const softdraw_filters *f,
                        int with_logs) {
    const size_t size = type == 1 ? softdraw_sample_scratch_f64(n) : softdraw_sample_scratch_f32(n);
    const size_t count = rows * draws;
    uint64_t *word = (uint64_t *)words.end - count;
    int64_t *id = (int64_t *)ids.end - count;
    const char *x = logits_before(in.end, type, rows * n);
    for (size_t i = 0; i < count; i++) word[i] = random_word();
    void *log = with_logs ? logs.end - count * samplers[type].log_size : NULL;
    CHECK(samplers[type].call(x, rows, n, f, word, draws, id, log, scratch.end - size) == SOFTDRAW_OK);
    for (size_t i = 0; i < count; i++) CHECK(id[i] >= 0 && (size_t)id[i] < n);
}

static void check_filters(int type, size_t n) {
    static const double low_p = 0.3, high_p = 0.9, ratio = 0.5, half = 0.5;
    static const uint64_t few = 3;
    for (int filters = 0; filters < 6; filters++)
        for (int masks = 0; masks < 3; masks++) {
            softdraw_filters f = SOFTDRAW_FILTERS_INIT;
            f.temperature = &half;
            if (filters == 1 || filters == 5) f.top_k = &few;
            if (filters == 2 || filters == 5) f.top_p = &low_p;
            if (filters == 3) f.top_p = &high_p;
            if (filters == 4) f.min_p = &ratio;
            memset(mask.begin, 0x01, (size_t)(mask.end - mask.begin));
            if (masks == 1) f.allowed = (const uint8_t *)mask.end - n;
            if (masks == 2) f.allowed_bits = (const uint32_t *)mask.end - (n + 31) / 32;
            if (masks == 2) memset(mask.begin, 0x55, (size_t)(mask.end - mask.begin));
            check_draws(type, 1, n, MOST_DRAWS, &f, 0);
            check_draws(type, 1, n, 1, &f, 1);
            if (n <= 64) check_draws(type, 15, n, 1, &f, 0);
        }
}

static void check_table(void) {
    static uint64_t buckets[1 << BITS];
    for (size_t n = 0; n < 300; n += 1 + n / 8) {
        uint64_t *word = (uint64_t *)words.end - n;
        int64_t *id = (int64_t *)ids.end - n;
        for (size_t i = 0; i < n; i++) word[i] = random_word();
        CHECK(softdraw_alias_map(buckets, BITS, word, n, id) == SOFTDRAW_OK);
    }
    const double weights[3] = {1, 2, 3};
    uint64_t marks[5], *units = (uint64_t *)words.end - 3;
    CHECK(softdraw_alias_build_f64(weights, 3, buckets, marks, NULL) == SOFTDRAW_OK);
    CHECK(softdraw_alias_units(buckets, 2, 3, units) == SOFTDRAW_OK);
}

int main(void) {
    static const double temperatures[] = {0.7, 1e-30, 0, INFINITY, 1};
    static const size_t lengths[] = {1000, 1023, 1025, 4095, 4096, 4097, 8193, 12289, 65537};
    static const size_t draw_lengths[] = {511, 513, 1000, 1023, 1025, 4095, 4097, 8193, 20001};
    static const size_t long_lengths[] = {(1 << 18) + 1, 1 << 18, (1 << 18) - 1, LONGEST};
    /* element by element, or under an emulator, all of those would take most of a minute */
    const int tier = require_tier();
#ifdef __EMSCRIPTEN__
    skip("WebAssembly has no pages that fault");
#endif
    const int slow = tier == SOFTDRAW_SCALAR || tier == SOFTDRAW_NEON;
    in = fence((LONGEST + 16) * sizeof(double));
    out = fence((LONGEST + 16) * sizeof(double));
    for (int f = 0; f < 6; f++) {
        for (size_t n = 0; n <= 130; n++)
            for (int t = 0; t < 5; t++) check_length(f, n, temperatures[t], 17);
        check_length(f, 48 * 130, 1, 1); /* which leaves numbers in source */
        for (size_t n = 1; n <= 130; n++) {
            check_rows(f, 48, n, 0.7); /* which are computed up to 16 at a time */
            check_rows(f, 37, n, 0.7);
            check_rows(f, 29, n, 0.7);
        }
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            check_length(f, lengths[i], temperatures[i % 5], 17);
        for (size_t i = 0; i < (slow ? 1 : 4); i++)
            check_length(f, long_lengths[i], 0.7, slow || i == 3 ? 1 : 3);
    }
    mask = fence(20001);
    words = fence(300 * sizeof(uint64_t));
    ids = fence(300 * sizeof(int64_t));
    logs = fence(MOST_DRAWS * sizeof(double));
    scratch = fence(softdraw_sample_scratch_f64(20001));
    for (int type = 0; type < 4; type++) {
        for (size_t n = 1; n <= 130; n++) check_filters(type, n);
        for (size_t i = 0; i < sizeof draw_lengths / sizeof *draw_lengths; i++)
            check_filters(type, draw_lengths[i]);
    }
    check_table();
    return finish();
}
