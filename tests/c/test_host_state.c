/* The control state of the host's floating-point unit: whatever it is when a function is called, the function
 * returns the bits and the errors that it returns in the default state, and leaves the state as it was. */
#include "check.h"
#include "host_states.h"

#include <signal.h>

/* ---- inputs ---- */

enum { ROWS = 20, SHORT = 100, LONG_ROWS = 3, LONG = 5000, ROOM = LONG_ROWS * LONG, KINDS = 7 };

static double x64[ROOM], g64[ROOM], weights64[ROOM];
static float x32[ROOM], g32[ROOM], weights32[ROOM];
static uint16_t xf16[ROOM], xbf16[ROOM];
static uint64_t weights_u64[ROOM], words[ROOM];
static uint8_t allowed[ROOM];
static uint64_t ks[ROWS];
static double targets[3][ROWS];
static int64_t indptr[ROWS + 1];

static const double temperatures[ROWS] = {
    1,      0.7,      5e-324, 1e-310, 0,    INFINITY, 100,    1e300, 1e-300, 2.5,
    1e-320, 2.2e-308, 1e308,  3,      1e-5, 1e5,      0.0625, 1,     0.01,   10,
};
static const double positive[ROWS] = {
    1,      0.7,      5e-324, 1e-310, 1e-45, INFINITY, 100,    1e300, 1e-300, 2.5,
    1e-320, 2.2e-308, 1e308,  3,      1e-5,  1e5,      0.0625, 1,     0.01,   10,
};
static const double fractions[ROWS] = {
    0.9, 0.5, 5e-324, 1e-310, 0, 1, 0.1, 0.99, 1e-300, 0.7, 0.3, 0.8, 1e-5, 0.95, 0.6, 0.4, 0.2, 0.999, 0.05, 0.85,
};
static const double bad[] = {-5e-324, -1e-310, NAN, -1, 5e-324, 1e-310};

/* one logit of each kind */
static double logit(int kind, size_t i) {
    const double x = 4 * random_unit();
    switch (kind) {
    case 0: return x;
    case 1: return x * 0x1p-1060;                         /* subnormal, as float64 and as float32 */
    case 2: return i == 3 ? 90 : 15 * x;                  /* with probabilities that are subnormal */
    case 3: return i == 5 ? 800 : 20 * x - 30;            /* in float64, too */
    case 4: return x * 1e307;                             /* infinite as float32 */
    case 5: return random_word() % 3 ? -INFINITY : x / 8; /* with ties */
    default: return i % 31 == 30 ? NAN : i % 37 == 36 ? INFINITY : x;
    }
}

static void fill(int kind, size_t rows, size_t n) {
    for (size_t i = 0; i < rows * n; i++) {
        x64[i] = logit(kind, i % n);
        x32[i] = kind == 1 ? (float)(4 * random_unit()) * 0x1p-140f : (float)x64[i];
        xf16[i] = (uint16_t)random_word();
        if (kind != 6 && (xf16[i] & 0x7c00) == 0x7c00) xf16[i] ^= 0x4000; /* neither NaN nor infinite */
        if (kind == 1) xf16[i] &= 0x83ff;
        xbf16[i] = (uint16_t)(float_bits(x32[i]) >> 16);
        g64[i] = (kind == 1 ? 0x1p-1060 : kind == 4 ? 1e300 : 1) * random_unit();
        g32[i] = (float)(kind == 1 ? 0x1p-130 * random_unit() : kind == 4 ? 1e30 * random_unit() : g64[i]);
        weights64[i] = kind == 4 ? fabs(g64[i]) * 1e8 : kind == 1 && i % 3 ? 1 : fabs(g64[i]);
        weights32[i] = kind == 1 && i % 3 ? 1 : fabsf(g32[i]);
        weights_u64[i] = random_word() >> (random_word() & 63);
        words[i] = random_word();
        allowed[i] = random_word() % 4 != 0;
        if (kind == 6 && i % 41 == 40) weights64[i] = -5e-324, weights32[i] = -1e-45f;
    }
    for (size_t r = 0; r < ROWS; r++) {
        double range[2];
        ks[r] = 1 + r;
        indptr[r + 1] = (int64_t)(r < rows ? (r + 1) * n : rows * n);
        for (int quantity = 0; quantity < 3; quantity++) {
            const double *row = x64 + r % rows * n;
            const int error = softdraw_temperature_for_range_f64(row, n, quantity, range);
            targets[quantity][r] = error ? 0.5 : range[0] + fractions[r] * (range[1] - range[0]);
        }
        if (r % 4 == 3) targets[SOFTDRAW_ENTROPY][r] = 1e-310;
    }
}

/* ---- calls, whose results are kept as hashes ---- */

enum { CALLS = 160, DRAWS = 4 };
static struct {
    const char *name;
    uint64_t hash;
} calls[CALLS], wanted[CALLS];
static size_t count;
static const state_t *state;
static uint64_t control; /* of the state, as it is read back: a machine may lack traps */

static union {
    double f64[ROOM];
    float f32[ROOM];
    uint16_t half[ROOM];
    uint64_t buckets[3 * ROOM];
    softdraw_partial partials[ROWS];
    struct {
        int64_t ids[ROWS * DRAWS];
        double logprobs[ROWS * DRAWS];
    } drawn;
} out;
static uint64_t records[ROWS], scratch[8 * ROOM];

static void keep(const char *name, int error, size_t where, size_t bytes) {
    uint64_t *const result = out.buckets;
    if (get_control() != control) FAIL("%s leaves another state than %s\n", name, state->name);
    begin_hash();
    hash_bits((uint64_t)error, 4);
    hash_bits(where, 8);
    for (size_t i = 0; i < (bytes + 7) / 8; i++) {
        hash = (hash ^ result[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        result[i] = UINT64_C(0x5a5a5a5a5a5a5a5a);
    }
    CHECK(count < CALLS);
    calls[count].name = name;
    calls[count++].hash = hash;
}

static void call_rows(size_t rows, size_t n, const double *t, ptrdiff_t t_stride, const double *vjp_t) {
    const ptrdiff_t stride = (ptrdiff_t)n;
#define CALL(function, x, result, out_stride, written)                                             \
    keep(#function, softdraw_##function(x, stride, result, out_stride, rows, n, t, t_stride), 0, \
         (written) * sizeof *(result))
    CALL(softmax_f32, x32, out.f32, stride, rows * n);
    CALL(softmax_f64, x64, out.f64, stride, rows * n);
    CALL(softmax_f16, xf16, out.half, stride, rows * n);
    CALL(softmax_bf16, xbf16, out.half, stride, rows * n);
    CALL(log_softmax_f32, x32, out.f32, stride, rows * n);
    CALL(log_softmax_f64, x64, out.f64, stride, rows * n);
    CALL(log_softmax_f16, xf16, out.half, stride, rows * n);
    CALL(log_softmax_bf16, xbf16, out.half, stride, rows * n);
    CALL(logsumexp_f32, x32, out.f32, 1, rows);
    CALL(logsumexp_f64, x64, out.f64, 1, rows);
    CALL(logsumexp_f16, xf16, out.half, 1, rows);
    CALL(logsumexp_bf16, xbf16, out.half, 1, rows);
    CALL(entropy_f32, x32, out.f32, 1, rows);
    CALL(entropy_f64, x64, out.f64, 1, rows);
    CALL(entropy_f16, xf16, out.half, 1, rows);
    CALL(entropy_bf16, xbf16, out.half, 1, rows);
#undef CALL
    keep("softmax_vjp_f32",
         softdraw_softmax_vjp_f32(x32, stride, g32, stride, out.f32, stride, rows, n, vjp_t, t_stride), 0,
         rows * n * sizeof *out.f32);
    keep("softmax_vjp_f64",
         softdraw_softmax_vjp_f64(x64, stride, g64, stride, out.f64, stride, rows, n, vjp_t, t_stride), 0,
         rows * n * sizeof *out.f64);
    static softdraw_partial whole[ROWS];
#define CALL(type, x)                                                                              \
    do {                                                                                           \
        int error = softdraw_partial_##type(x, stride, out.partials, rows, n, t, t_stride);       \
        memcpy(whole, out.partials, rows * sizeof *whole);                                        \
        keep("partial_" #type, error, 0, rows * sizeof *whole);                                   \
        if (error) break;                                                                          \
        error = softdraw_combine_partials(whole, 0, out.partials, rows, 1);                       \
        keep("combine_partials", error, 0, rows * sizeof *whole);                                 \
        error = softdraw_combine_partials(whole, 0, out.partials, 1, t_stride ? 1 : rows);        \
        keep("combine_partials", error, 0, sizeof *whole);                                        \
        error = softdraw_softmax_piece_##type(x, stride, whole, out.type, stride, rows, n, 0);    \
        keep("softmax_piece_" #type, error, 0, rows * n * sizeof *out.type);                      \
        error = softdraw_softmax_piece_##type(x, stride, whole, out.type, stride, rows, n, 1);    \
        keep("softmax_piece_" #type, error, 0, rows * n * sizeof *out.type);                      \
    } while (0)
    CALL(f32, x32);
    CALL(f64, x64);
#undef CALL
}

static void call_temperature_for(size_t rows, size_t n) {
    for (int quantity = 0; quantity < 3; quantity++) {
        size_t where = 0;
        int error = softdraw_temperature_for_f64(x64, (ptrdiff_t)n, rows, n, quantity, targets[quantity], 1,
                                                 out.f64, &where);
        keep("temperature_for_f64", error, where, rows * sizeof(double));
        error = softdraw_temperature_for_range_f64(x64, n, quantity, out.f64);
        keep("temperature_for_range_f64", error, 0, 2 * sizeof(double));
    }
}

static void call_builds(size_t rows, size_t n) {
    const size_t bytes = ((size_t)1 << softdraw_alias_bits(n)) * sizeof(uint64_t);
    size_t where = 0;
    int error = softdraw_alias_build_f64(weights64, n, out.buckets, scratch, &where);
    keep("alias_build_f64", error, where, error ? 0 : bytes);
    error = softdraw_alias_build_f32(weights32, n, out.buckets, scratch, &where);
    keep("alias_build_f32", error, where, error ? 0 : bytes);
    error = softdraw_alias_build_u64(weights_u64, n, out.buckets, scratch, &where);
    keep("alias_build_u64", error, where, error ? 0 : bytes);
    error = softdraw_alias_rows_build_f64(weights64, indptr, rows, records, out.buckets, scratch, &where);
    keep("alias_rows_build_f64", error, where, error ? 0 : rows * bytes);
    error = softdraw_alias_rows_build_f32(weights32, indptr, rows, records, out.buckets, scratch, &where);
    keep("alias_rows_build_f32", error, where, error ? 0 : rows * bytes);
    error = softdraw_alias_rows_build_u64(weights_u64, indptr, rows, records, out.buckets, scratch, &where);
    keep("alias_rows_build_u64", error, where, error ? 0 : rows * bytes);
}

static void call_samples(size_t rows, size_t n, const softdraw_filters *f) {
    const ptrdiff_t stride = (ptrdiff_t)n;
    const size_t draws = n < DRAWS ? n : DRAWS;
    int64_t *const ids = out.drawn.ids;
    size_t where = 0;
#define CALL(function, x, real)                                                                            \
    do {                                                                                                   \
        const int error = softdraw_##function(x, stride, rows, n, f, words, draws, ids,                  \
                                              (real *)out.drawn.logprobs, scratch, &where);               \
        /* after an error some may have been written */                                                    \
        keep(#function, error, where, sizeof out.drawn.ids + (error ? 0 : rows * draws * sizeof(real))); \
    } while (0)
    CALL(sample_f32, x32, float);
    CALL(sample_f64, x64, double);
    CALL(sample_f16, xf16, float);
    CALL(sample_bf16, xbf16, float);
#undef CALL
}

/* All functions, for rows of n; with bad parameters, too, which no state makes good ones. */
static void call_all(size_t rows, size_t n, size_t variant) {
    softdraw_filters f = SOFTDRAW_FILTERS_INIT;
    count = 0;
    set_control(state->control);
    control = get_control();
    call_rows(rows, n, temperatures, 1, positive);
    call_rows(rows, n, temperatures + variant % ROWS, 0, positive + variant % ROWS);
    call_rows(rows, n, bad + variant % 6, 0, bad + variant % 6);
    call_temperature_for(rows < 6 ? 1 : 6, n); /* which takes many passes */
    call_builds(rows, n);
    call_samples(rows, n, NULL);
    f.temperature = temperatures, f.temperature_stride = 1;
    if (variant % 2) f.allowed = allowed, f.allowed_stride = (ptrdiff_t)n;
    call_samples(rows, n, &f);
    if (variant % 3 == 0) f.top_k = ks, f.top_k_stride = 1;
    if (variant % 3 != 1) f.top_p = fractions, f.top_p_stride = 1;
    if (variant % 3 != 2) f.min_p = fractions, f.min_p_stride = 1;
    call_samples(rows, n, &f);
    f.min_p = bad + variant % 6, f.min_p_stride = 0;
    call_samples(rows, n, &f);
    set_control(states[0].control);
}

static void check_length(size_t rows, size_t n, int kind, size_t variant) {
    fill(kind, rows, n);
    for (state = states; state < states + STATES; state++) {
        call_all(rows, n, variant);
        if (state == states) {
            memcpy(wanted, calls, sizeof calls);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            if (calls[i].hash != wanted[i].hash)
                FAIL("%s of %zu, kind %d: other bits with %s\n", calls[i].name, n, kind, state->name);
    }
}

static void report_trap(int unused) {
    (void)unused;
    printf("trapped, after %s, with %s\n", count ? calls[count - 1].name : "nothing", state->name);
    exit(1);
}

int main(void) {
    require_tier();
    signal(SIGFPE, report_trap);
    memset(&out, 0x5a, sizeof out);
    for (size_t n = 1; n <= SHORT; n++) check_length(ROWS, n, (int)(n % KINDS), n);
    for (int kind = 0; kind < KINDS; kind++) check_length(LONG_ROWS, LONG, kind, (size_t)kind);
    return finish();
}
