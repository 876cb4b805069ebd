/* What reading weights finds out, and what their units are worked out from. */
#ifndef SD_ALIAS_WEIGHTS_H
#define SD_ALIAS_WEIGHTS_H
#include "exact_sum.h"

#include <stddef.h>
#include <stdint.h>

/* The weights' copies are integers, or bits of doubles >= 0, which compare as integers do. */
typedef struct {
    sd_exact_sum sum; /* not used if all are the same */
    uint64_t maximum; /* the largest copy */
    size_t near;      /* the first such stands at or after this index */
    int same;         /* all copies are equal */
} sd_weights;

/* 2^64 / W as (high + low) * first, first a power of two that weights can be multiplied by so that
 * neither they nor high are near the ends of the range. */
typedef struct { double high, low, first; } sd_ratio;

/* Bits for the categories, 64 of them in a word. */
typedef struct {
    uint64_t *up, *down;     /* the unit was rounded down, or up, and can be moved by one */
    uint64_t *lost;          /* the weight is positive, but rounds to no unit */
    uint64_t *light, *heavy; /* the unit is less than a bucket, or more */
} sd_marks;

/* All bits of negative numbers and NaN are above those of infinity. */
static const uint64_t sd_infinity_bits = (uint64_t)0x7ff << 52;

/* Bits of a word. With fewer than 64, units are the top bits of 64-bit integers, and all words of a
 * table can be tried: a test compiles the core so. */
#ifndef SD_WORD_BITS
#define SD_WORD_BITS 64
#endif

#endif
