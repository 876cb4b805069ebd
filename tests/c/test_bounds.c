/* The softmax family reads and writes nothing outside its rows, and where they lie changes no bit:
 * rows that begin or end beside a page that faults, at every alignment, in place or not, of every
 * length to 130, about the lengths of blocks, and past the caches. */
#define _DEFAULT_SOURCE
#include "check.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

enum { LONGEST = (1 << 22) + 77, MARGIN = 64 };

#define CALL(name)                                                                   \
    static void name(const void *x, void *out, size_t n, double t) {                 \
        softdraw_##name(x, (ptrdiff_t)n, out, (ptrdiff_t)n, 1, n, &t, 0);            \
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
    void (*call)(const void *x, void *out, size_t n, double t);
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
    functions[f].call(x, y, n, t);
    if (memcmp(y, wanted, result_bytes) != 0) fail("other bits", f, n, t, away, at_end);
    if (memcmp(x, source, bytes) != 0) fail("x is written to", f, n, t, away, at_end);
    if (!is_marked(y - before, before) || !is_marked(y + result_bytes, behind))
        fail("written outside", f, n, t, away, at_end);
    if (functions[f].reduces) return;
    functions[f].call(x, x, n, t);
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
    functions[f].call(source, wanted, n, t);
    for (size_t away = 0; away < places; away++)
        for (int at_end = 0; at_end < 2; at_end++) check_place(f, n, t, away, at_end);
}

int main(void) {
    static const double temperatures[] = {0.7, 1e-30, 0, INFINITY, 1};
    static const size_t lengths[] = {1000, 1023, 1025, 4095, 4096, 4097, 8193, 12289, 65537};
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
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            check_length(f, lengths[i], temperatures[i % 5], 17);
        for (size_t i = 0; i < (slow ? 1 : 4); i++)
            check_length(f, long_lengths[i], 0.7, slow || i == 3 ? 1 : 3);
    }
    return finish();
}
