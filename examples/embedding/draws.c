/* Six logits at temperature 5 from C: their probabilities, ten draws, and a million draws counted.
 *
 *     cc -O2 draws.c ../../src/core/*.c ../../src/core/tiers/*.c -I../../include -lm -o draws && ./draws
 *
 * The draws are those of table.sample(1000010, rng=7) in Python. */
#include "softdraw.h"

#include <stdio.h>
#include <stdlib.h>

enum { N = 6, DRAWS = 1000000 };

static void check(int error) {
    if (error == SOFTDRAW_OK) return;
    fprintf(stderr, "draws: %s\n", softdraw_strerror(error));
    exit(1);
}

int main(void) {
    const float logits[N] = {0.1f, 0, 0.5f, 1, 4, 0.6f};
    const double temperature = 5;
    float p[N];
    check(softdraw_softmax_f32(logits, N, p, N, 1, N, &temperature, 0));
    for (int i = 0; i < N; i++) printf("%.9g ", (double)p[i]);
    printf("\n");

    /* a table takes 2^bits words, and building it some scratch */
    const unsigned bits = softdraw_alias_bits(N);
    uint64_t *buckets = malloc(sizeof *buckets << bits);
    uint64_t *scratch = malloc(softdraw_alias_scratch(N));
    if (!buckets || !scratch) return 1;
    check(softdraw_alias_build_f32(p, N, buckets, scratch, NULL));
    free(scratch);

    /* numpy.random.SeedSequence(7).generate_state(4, numpy.uint64) */
    const uint64_t seed[4] = {UINT64_C(16920295385781661272), UINT64_C(610735763742393210),
                              UINT64_C(7078124019849193311), UINT64_C(12917519645081627820)};
    softdraw_xoshiro generator;
    check(softdraw_xoshiro_seed(&generator, seed));

    /* one by one, inline; or all at once */
    for (int i = 0; i < 10; i++) {
        const uint64_t word = softdraw_xoshiro_word(&generator);
        printf("%d ", (int)softdraw_alias_map1(buckets, bits, word));
    }
    printf("\n");

    int64_t *drawn = malloc(DRAWS * sizeof *drawn), count[N] = {0};
    if (!drawn) return 1;
    check(softdraw_alias_sample(buckets, bits, &generator, DRAWS, drawn));
    for (int i = 0; i < DRAWS; i++) count[drawn[i]]++;
    for (int i = 0; i < N; i++) printf("%d ", (int)count[i]);
    printf("\n");
    free(drawn);
    free(buckets);
    return 0;
}
