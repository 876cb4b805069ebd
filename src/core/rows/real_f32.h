/* float32 as the type that rows are computed in: its pack, and the constants of its kernels.
 *
 * real_f64.h defines the same names for float64, with the same meanings. */
typedef float real_t;
typedef f32x16 pack_t;   /* WIDTH reals */
typedef uint32_t bits_t; /* the bits of a real */
#define WIDTH 16
#define LARGEST FLT_MAX
#define SD_V(operation) f32_##operation
#include "../simd/vectors.h"
#define TILE SD_TILE_32
#define v_tall tall_32
#define v_wide wide_32

/* Exponentials are computed times SCALE, and results are scaled back in the last operation, so that
 * exponents are always normal: results below the smallest normal number cost no time and are rounded once
 * more, to the spacing of subnormal numbers. */
#define SCALE 0x1p100f
#define UNSCALE 0x1p-100f
#define SCALE_POWER 100
/* Results above 2^NORMAL_EXPONENT are normal whatever the roundings, so they need no scale. */
#define NORMAL_EXPONENT (-124)
/* x is clamped where its exponential is 2^-CLAMP_BITS of the largest: far enough down that 2^32 of them
 * add nothing, and near enough that the scaled exponent of 1 / (a sum of 2^32) stays normal. */
#define CLAMP_BITS 190.0
/* Where |max c| is larger than this, the maximum is subtracted first. For every x that is not clamped that
 * subtraction is exact (Sterbenz's lemma); below it, x c stays small enough for the steps of the table. */
#define MAX_OFFSET 512.0
/* Temperatures between these bring nothing out of range. */
#define MIN_PLAIN_TEMPERATURE 0x1p-64
#define MAX_PLAIN_TEMPERATURE 0x1p64
/* Below the first, unequal x differ by at least 2^51 T; from the second on, |x / T| < 2^-32. */
#define MAXIMUM_ALONE_BELOW 0x1p-200
#define ALL_EQUAL_FROM 0x1p160
/* 1.5 * 2^20: adding it rounds to eighths, and its own bits vanish when they are shifted left by 20. */
#define ROUNDER 0x1.8p20f
/* Adding and subtracting it rounds |f| <= 1/16 to multiples of 2^-26. */
#define GRID 0.1875f
/* Adding and subtracting it rounds exponentials to multiples of 2^(100 - 14); 128 of them add up
 * exactly. */
#define SPLIT 0x1.8p109f
/* What is added to the polynomial's tilt where it divides as well. */
#define TILT 4e-8
/* Items whose sum is kept in reals before it is moved into doubles; the first cache holds two such
 * blocks. */
#define SUM_ITEMS 2048
/* The longest row whose exponentials are stored and then divided: none, because that costs half a ULP. */
#define MAX_STORED 0
/* A fifth of a unit in the last place of 1: see softmax_stored.h. */
#define HALF_LOSS 0x1p-26f
/* Items that are this many powers of two less likely than the largest may be 0 in softmax. */
#define NEGLIGIBLE_BITS 149.0
