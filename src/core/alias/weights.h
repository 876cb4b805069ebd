/* The types that pass from one step of building an alias table to the next (alias_build.c has the steps):
 * what reading the weights finds out, what weights are multiplied by, and marks on categories. */
#ifndef SD_ALIAS_WEIGHTS_H
#define SD_ALIAS_WEIGHTS_H
#include "exact_sum.h"

/* What is known of the weights. A copy of a weight is an integer, or the bits of a double >= 0, which are
 * in the same order as the doubles. */
typedef struct {
    sd_exact_sum sum;   /* of all weights; not used if all are equal */
    uint64_t maximum;   /* the largest copy */
    size_t search_from; /* the first of the largest copies is at this index or after it */
    int all_equal;      /* 1 if all copies are equal, otherwise 0 */
} sd_weights;

/* 2^64 / W, where W is the sum of the weights, as (high + low) * prescale. A weight is multiplied by
 * prescale, a power of two, first: then no product overflows or loses bits by underflow. */
typedef struct { double high, low, prescale; } sd_ratio;

/* Marks on categories: bit i % 64 of word i / 64 is set if category i has the property. A unit is the
 * integer that a weight becomes; a bucket of the table holds `capacity` units. */
typedef struct {
    uint64_t *rounded_down, *rounded_up; /* the unit, for certain; so it may be one more, or one less */
    uint64_t *lost;                      /* the weight is positive, but the unit is 0 */
    uint64_t *light, *heavy;             /* the unit is below, or above, the capacity */
} sd_marks;

/* The bits of infinity: those of NaNs and of all negative numbers are above them, as integers. */
static const uint64_t sd_infinity_bits = (uint64_t)0x7ff << 52;

/* How many bits of a word count. A test compiles the core with fewer than 64, so that it can draw every
 * word. The units, which then sum to 2^SD_WORD_BITS, are stored in the top bits of 64-bit integers. */
#ifndef SD_WORD_BITS
#define SD_WORD_BITS 64
#endif

#endif
