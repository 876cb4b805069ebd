/* Many threads at once: the first call of each races to choose the tier; then they share one table, one
 * block of logits and one generator under a lock, and write to neighbouring parts of one array. What they
 * write is what one thread alone writes. The preset `threads` builds this for the thread sanitizer. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

enum { THREADS = 12, CATEGORIES = 1000, WORDS = 1003, ROWS = 7, N = 37 };

/* ---- running a job in all threads ---- */

typedef void job(int thread);

static job *job_to_run;
static atomic_int not_yet_here;

static void *start(void *thread) {
    atomic_fetch_sub(&not_yet_here, 1);
    while (atomic_load(&not_yet_here) > 0) sched_yield(); /* so that all begin at once */
    job_to_run((int)(intptr_t)thread);
    return NULL;
}

static void run_in_threads(job *run) {
    pthread_t threads[THREADS];
    job_to_run = run;
    atomic_store(&not_yet_here, THREADS);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, start, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- what the threads share ---- */

static uint64_t buckets[1024];
static unsigned bits;
static uint64_t words[WORDS];
static double weights[CATEGORIES], temperatures[ROWS];
static float x32[THREADS * ROWS * N];
static double x64[THREADS * ROWS * N];
static uint16_t x16[THREADS * ROWS * N];

/* The results: a part for each thread, which begins where that of the thread before ends. */
static struct {
    int tiers[THREADS];
    int64_t mapped[THREADS][WORDS], drawn[THREADS][WORDS], ids[THREADS][ROWS];
    uint64_t generated[THREADS][WORDS], built[THREADS][1024];
    float logprobs[THREADS][ROWS], sums[THREADS][ROWS], p32[THREADS][ROWS * N], log_p32[THREADS][ROWS * N];
    double found[THREADS][ROWS], entropies[THREADS][ROWS], p64[THREADS][ROWS * N], grads[THREADS][ROWS * N];
    uint16_t p16[THREADS][ROWS * N], p_bf16[THREADS][ROWS * N];
} results, expected;

/* Runs the job in all threads at once and then in this one, thread by thread: the results are the same. */
static void check_job(const char *name, job *run) {
    memset(&results, 0, sizeof results);
    run_in_threads(run);
    expected = results;
    memset(&results, 0, sizeof results);
    for (int i = 0; i < THREADS; i++) run(i);
    if (memcmp(&results, &expected, sizeof results) != 0) FAIL("%s: threads get other results\n", name);
}

/* ---- the jobs ---- */

/* Before any other, so that the tier is not chosen yet. */
static void choose_the_tier(int i) { results.tiers[i] = softdraw_tier_in_use(); }

static void map_by_one_table(int i) {
    CHECK(softdraw_alias_map(buckets, bits, words, WORDS, results.mapped[i]) == SOFTDRAW_OK);
}

static void draw_by_own_generator(int i) {
    const uint64_t seed[4] = {1, 2, 3, 4};
    softdraw_xoshiro generator;
    CHECK(softdraw_xoshiro_seed(&generator, seed) == SOFTDRAW_OK);
    CHECK(softdraw_xoshiro_jump(&generator, (uint64_t)i) == SOFTDRAW_OK);
    CHECK(softdraw_xoshiro_fill(&generator, results.generated[i], WORDS) == SOFTDRAW_OK);
    CHECK(softdraw_alias_sample(buckets, bits, &generator, WORDS, results.drawn[i]) == SOFTDRAW_OK);
}

static void build_from_the_same_weights(int i) {
    uint64_t scratch[CATEGORIES];
    CHECK(softdraw_alias_scratch(CATEGORIES) <= sizeof scratch);
    CHECK(softdraw_alias_build_f64(weights, CATEGORIES, results.built[i], scratch, NULL) == SOFTDRAW_OK);
}

static void compute_own_rows(int i) {
    const float *x = x32 + i * ROWS * N;
    const double *y = x64 + i * ROWS * N, *t = temperatures;
    const uint16_t *z = x16 + i * ROWS * N;
    double *p = results.p64[i];
    CHECK(softdraw_softmax_f32(x, N, results.p32[i], N, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_log_softmax_f32(x, N, results.log_p32[i], N, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_logsumexp_f32(x, N, results.sums[i], 1, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_f64(y, N, p, N, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_entropy_f64(y, N, results.entropies[i], 1, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_vjp_f64(p, N, y, N, results.grads[i], N, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_f16(z, N, results.p16[i], N, ROWS, N, t, 1) == SOFTDRAW_OK);
    CHECK(softdraw_softmax_bf16(z, N, results.p_bf16[i], N, ROWS, N, t, 1) == SOFTDRAW_OK);
    const double entropy = 2;
    CHECK(softdraw_temperature_for_f64(y, N, ROWS, N, SOFTDRAW_ENTROPY, &entropy, 0, results.found[i],
                                       NULL) == SOFTDRAW_OK);
}

/* The same rows for all, but other words. */
static void draw_from_the_same_logits(int i) {
    double scratch[4000];
    CHECK(softdraw_sample_scratch_f32(N) <= sizeof scratch);
    const double top_p = 0.9;
    softdraw_filters filters = SOFTDRAW_FILTERS_INIT;
    filters.temperature = temperatures;
    filters.temperature_stride = 1;
    filters.top_p = &top_p;
    CHECK(softdraw_sample_f32(x32, N, ROWS, N, &filters, words + i * ROWS, 1, results.ids[i],
                              results.logprobs[i], scratch, NULL) == SOFTDRAW_OK);
}

/* ---- one generator ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static softdraw_xoshiro shared;
static uint64_t taken[THREADS][WORDS];

/* some words at a time, or one in the two ways to ask for one */
static void take_words(int thread) {
    for (size_t i = 0, n; i < WORDS; i += n) {
        n = (i + (size_t)thread) % 13;
        if (n > WORDS - i) n = WORDS - i;
        CHECK(pthread_mutex_lock(&lock) == 0);
        if (n < 2) {
            taken[thread][i] = n ? softdraw_xoshiro_next(&shared) : softdraw_xoshiro_word(&shared);
            n = 1;
        } else {
            CHECK(softdraw_xoshiro_fill(&shared, &taken[thread][i], n) == SOFTDRAW_OK);
        }
        CHECK(pthread_mutex_unlock(&lock) == 0);
    }
}

static int compare_words(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void each_word_of_a_shared_generator_is_taken_once(void) {
    static uint64_t all[THREADS * WORDS];
    const uint64_t seed[4] = {5, 6, 7, 8};
    softdraw_xoshiro_seed(&shared, seed);
    softdraw_xoshiro alone = shared;
    run_in_threads(take_words);
    CHECK(softdraw_xoshiro_fill(&alone, all, THREADS * WORDS) == SOFTDRAW_OK);
    qsort(all, THREADS * WORDS, sizeof *all, compare_words);
    qsort(taken, THREADS * WORDS, sizeof *all, compare_words);
    if (memcmp(all, taken, sizeof all) != 0) FAIL("some words were taken twice or never\n");
}

int main(void) {
    check_job("choose_the_tier", choose_the_tier);
    require_tier();
    for (int i = 0; i < CATEGORIES; i++) weights[i] = uniform();
    for (int i = 0; i < WORDS; i++) words[i] = random_word();
    for (int i = 0; i < ROWS; i++) temperatures[i] = 0.5 + i;
    for (int i = 0; i < THREADS * ROWS * N; i++) {
        x64[i] = 8 * random_unit();
        x32[i] = (float)x64[i];
        x16[i] = (uint16_t)(0x3c00 + random_word() % 1024); /* numbers from 1 to 2, or near 0.01 as bfloat16 */
    }
    uint64_t scratch[CATEGORIES];
    bits = softdraw_alias_bits(CATEGORIES);
    CHECK(softdraw_alias_build_f64(weights, CATEGORIES, buckets, scratch, NULL) == SOFTDRAW_OK);

    check_job("map_by_one_table", map_by_one_table);
    check_job("draw_by_own_generator", draw_by_own_generator);
    check_job("build_from_the_same_weights", build_from_the_same_weights);
    check_job("compute_own_rows", compute_own_rows);
    check_job("draw_from_the_same_logits", draw_from_the_same_logits);
    each_word_of_a_shared_generator_is_taken_once();
    return finish();
}
