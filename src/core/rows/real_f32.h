/* float32 as the type that rows are computed in (float16 and bfloat16, too): its pack, and the constants of
 * the kernels in rows/ and sampling/. A file in tiers/ includes this or real_f64.h, which defines the same
 * names for float64 with the same meanings. exp2_f32.h explains the symbols: T is the temperature,
 * c = log2(e) / T, and f is the difference between x c and the nearest step of the table. */
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

/* Exponentials are computed times SCALE, and results are multiplied by UNSCALE in the last operation, so
 * that all numbers before it are normal. Results below the smallest normal number therefore cost no extra
 * time, and are rounded once more, to the spacing of subnormal numbers. */
#define SCALE 0x1p100f
#define UNSCALE 0x1p-100f
#define SCALE_POWER 100
/* Results above 2^NORMAL_EXPONENT are normal whatever is rounded on the way, so they need no SCALE. */
#define NORMAL_EXPONENT (-124)
/* x is clamped where its exponential is 2^-CLAMP_BITS of the largest: that is so small that 2^32 of them do
 * not change the sum, and so large that, times SCALE and divided by a sum of 2^32, it is still normal. */
#define CLAMP_BITS 190.0
/* Where |max c| is larger than this, the maximum is subtracted first: for every x that is not clamped that
 * is exact (Sterbenz's lemma). Where it is not larger, x c is small enough for ROUNDER. */
#define MAX_OFFSET 512.0
/* Between these, temperatures are plain: nothing overflows or underflows that must not. */
#define MIN_PLAIN_TEMPERATURE 0x1p-64
#define MAX_PLAIN_TEMPERATURE 0x1p64
/* Temperatures that give the same as 0 and as infinity: below the first, unequal x differ by 2^51 T or
 * more; from the second on, |x / T| < 2^-32. */
#define MAXIMUM_ALONE_BELOW 0x1p-200
#define ALL_EQUAL_FROM 0x1p160
/* 1.5 * 2^20: adding it rounds to eighths, and its own bits are lost when the sum is shifted left by 20. */
#define ROUNDER 0x1.8p20f
/* Adding it and subtracting it again rounds |f| <= 1/16 to multiples of 2^-26. */
#define GRID 0.1875f
/* Adding and subtracting it rounds exponentials to multiples of 2^(100 - 14), 128 of which add up exactly. */
#define SPLIT 0x1.8p109f
/* How much the tilt of the polynomial (exp2_f32.h) grows where it divides by the sum as well. */
#define TILT 4e-8
/* How many items are summed before the sum is moved into doubles; L1 holds two such blocks. */
#define SUM_ITEMS 2048
/* An item whose probability is 2^-NEGLIGIBLE_BITS of the largest may have the result 0 in softmax. */
#define NEGLIGIBLE_BITS 149.0
