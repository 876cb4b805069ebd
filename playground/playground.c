/* What the page of the playground asks of the core. The page sets logits[], calls compute, and reads the
 * results; restart and draw make a stream of draws. There is one distribution at a time, all memory is
 * static, and results are those of the functions of softdraw.h, whose error codes are returned. */
#include "../src/core/kernels.h"

#include <math.h>
#include <string.h>

#define EXPORT __attribute__((used, visibility("default")))

/* With top_p and min_p in steps of 0.01, an item that they keep has at least 0.01 / MAX_TOKENS of the
 * probability. So some of the PROBES words, which are evenly spaced, draw it. */
enum { MAX_TOKENS = 64, PROBES = 8192, CHUNK = 4096, LATEST = 32, MAX_POINTS = 512 };

/* Why an item is not drawn. */
enum { KEPT, BY_TOP_K, BY_TOP_P, BY_MIN_P, BY_TIE };

/* The page computes in float64 alone, so the kernels of the other item types are not linked. */
const sd_kernels sd_scalar_f32, sd_scalar_f16, sd_scalar_bf16;

/* A page has no environment variables, in which the core looks for SOFTDRAW_ISA. */
char *getenv(const char *name) {
    (void)name;
    return NULL;
}

static double logits[MAX_TOKENS], before[MAX_TOKENS], after[MAX_TOKENS];
static double summary[4]; /* entropy and perplexity, before and after the filters */
static double curve[MAX_POINTS];
static uint32_t cut_by[MAX_TOKENS], counts[MAX_TOKENS], latest[LATEST];

EXPORT double *get_logits(void) { return logits; }
EXPORT double *get_before(void) { return before; }
EXPORT double *get_after(void) { return after; }
EXPORT double *get_summary(void) { return summary; }
EXPORT double *get_curve(void) { return curve; }
EXPORT uint32_t *get_cut_by(void) { return cut_by; }
EXPORT uint32_t *get_counts(void) { return counts; }
EXPORT uint32_t *get_latest(void) { return latest; }

static size_t n;
static double temperature, top_p, min_p;
static uint64_t top_k;
static softdraw_filters filters;
static softdraw_xoshiro generator;
static uint64_t words[PROBES];
static int64_t ids[PROBES];
static double scratch[8192]; /* more than softdraw_sample_scratch_f64(MAX_TOKENS) bytes */

/* ---- probabilities -------------------------------------------------------------------------------- */

/* Marks as `reason` each item that is kept so far and that no probe draws with these filters. */
static int mark_cut(const softdraw_filters *with, uint32_t reason) {
    uint8_t drawn[MAX_TOKENS] = {0};
    for (size_t i = 0; i < PROBES; i++) words[i] = i * (UINT64_MAX / PROBES + 1);
    const int error = softdraw_sample_f64(logits, 0, 1, n, with, words, PROBES, ids, NULL, scratch, NULL);
    if (error) return error;
    for (size_t i = 0; i < PROBES; i++) drawn[ids[i]] = 1;
    for (size_t i = 0; i < n; i++)
        if (cut_by[i] == KEPT && !drawn[i] && logits[i] > -INFINITY) cut_by[i] = reason;
    return SOFTDRAW_OK;
}

/* Finds what each filter cuts from what those before it have left. */
static int find_cut(void) {
    softdraw_filters some = SOFTDRAW_FILTERS_INIT;
    memset(cut_by, 0, sizeof cut_by);
    if (temperature == 0) return mark_cut(&filters, BY_TIE);
    /* top_k looks at no probability, and at an infinite temperature none is too small for the probes */
    static const double infinite = INFINITY;
    some.temperature = &infinite;
    some.top_k = &top_k;
    int error = mark_cut(&some, BY_TOP_K);
    some.temperature = &temperature;
    some.top_p = &top_p;
    if (!error && top_p < 1) error = mark_cut(&some, BY_TOP_P);
    if (!error && min_p > 0) error = mark_cut(&filters, BY_MIN_P);
    return error;
}

static int summarize(const double *x, double *p, double *entropy_and_perplexity) {
    int error = softdraw_softmax_f64(x, 0, p, 0, 1, n, &temperature, 0);
    if (!error) error = softdraw_entropy_f64(x, 0, entropy_and_perplexity, 0, 1, n, &temperature, 0);
    entropy_and_perplexity[1] = exp(entropy_and_perplexity[0]);
    return error;
}

/* Computes all about the first `count` logits: the probabilities before and after the filters, what cuts
 * each item, and the summary. top_k is at least 1; a top_k of `count` and more is off. */
EXPORT int compute(uint32_t count, double with_temperature, uint32_t with_top_k, double with_top_p,
                   double with_min_p) {
    double kept[MAX_TOKENS];
    if (count > MAX_TOKENS) return SOFTDRAW_ERROR_LENGTH;
    n = count;
    temperature = with_temperature;
    top_k = with_top_k;
    top_p = with_top_p;
    min_p = with_min_p;
    filters = (softdraw_filters)SOFTDRAW_FILTERS_INIT;
    filters.temperature = &temperature;
    filters.top_k = &top_k;
    filters.top_p = &top_p;
    filters.min_p = &min_p;
    int error = find_cut();
    if (!error) error = summarize(logits, before, summary);
    for (size_t i = 0; i < n; i++) kept[i] = cut_by[i] == KEPT ? logits[i] : -INFINITY;
    if (!error) error = summarize(kept, after, summary + 2);
    return error;
}

/* Replaces `count` numbers x in curve[], the largest of which is the last, by e^(x / T), divided by that of
 * the last. */
EXPORT int compute_curve(uint32_t count, double at) {
    if (count == 0 || count > MAX_POINTS) return SOFTDRAW_ERROR_LENGTH;
    const int error = softdraw_softmax_f64(curve, 0, curve, 0, 1, count, &at, 0);
    for (size_t i = 0; !error && i < count; i++) curve[i] /= curve[count - 1];
    return error;
}

/* The temperature with this perplexity, or a negative error code. */
EXPORT double find_temperature(double perplexity) {
    double found;
    const int error = softdraw_temperature_for_f64(logits, 0, 1, n, SOFTDRAW_PERPLEXITY, &perplexity, 0,
                                                   &found, NULL);
    return error ? -error : found;
}

/* The least (0) or the largest (1) perplexity that a temperature gives. */
EXPORT double find_perplexity_limit(int which) {
    double range[2] = {0, 0};
    softdraw_temperature_for_range_f64(logits, n, SOFTDRAW_PERPLEXITY, range);
    return range[which != 0];
}

EXPORT const char *describe_error(int error) { return softdraw_strerror(error); }

EXPORT int get_version(void) { return softdraw_version(); }

/* ---- draws ---------------------------------------------------------------------------------------- */

/* The state that Xoshiro256(seed) in Python starts from, which is that of
 * numpy.random.SeedSequence(seed).generate_state(4, numpy.uint64), for seeds below 2^64: the hash of
 * https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html with a pool of four words. */
static uint32_t hash(uint32_t value, uint32_t *constant, uint32_t factor) {
    value ^= *constant;
    *constant *= factor;
    value *= *constant;
    return value ^ value >> 16;
}

static void spread_seed(uint32_t low, uint32_t high, uint64_t state[4]) {
    uint32_t pool[4] = {low, high, 0, 0}, constant = 0x43b0d7e5;
    for (int i = 0; i < 4; i++) pool[i] = hash(pool[i], &constant, 0x931e8875);
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            if (to == from) continue;
            const uint32_t mixed =
                0xca01f9dd * pool[to] - 0x4973f715 * hash(pool[from], &constant, 0x931e8875);
            pool[to] = mixed ^ mixed >> 16;
        }
    }
    constant = 0x8b51f9dd;
    for (int i = 0; i < 4; i++) {
        state[i] = hash(pool[2 * i % 4], &constant, 0x58f38ded);
        state[i] |= (uint64_t)hash(pool[(2 * i + 1) % 4], &constant, 0x58f38ded) << 32;
    }
}

/* Begins the stream of draws of the seed high * 2^32 + low. */
EXPORT int restart(uint32_t low, uint32_t high) {
    uint64_t state[4];
    memset(counts, 0, sizeof counts);
    spread_seed(low, high, state);
    return softdraw_xoshiro_seed(&generator, state);
}

/* Makes the next `draws` draws, counts them, and leaves the last up to LATEST of them in latest[]. */
EXPORT int draw(uint32_t draws) {
    while (draws > 0) {
        const uint32_t some = draws < CHUNK ? draws : CHUNK;
        softdraw_xoshiro_fill(&generator, words, some);
        const int error =
            softdraw_sample_f64(logits, 0, 1, n, &filters, words, some, ids, NULL, scratch, NULL);
        if (error) return error;
        for (size_t i = 0; i < some; i++) {
            counts[ids[i]]++;
            memmove(latest, latest + 1, sizeof latest - sizeof *latest);
            latest[LATEST - 1] = (uint32_t)ids[i];
        }
        draws -= some;
    }
    return SOFTDRAW_OK;
}
