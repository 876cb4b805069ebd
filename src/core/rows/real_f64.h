/* float64 as the type that rows are computed in; real_f32.h says what each name means. */
typedef double real_t;
typedef f64x8 pack_t;
typedef uint64_t bits_t;
#define WIDTH 8
#define LARGEST DBL_MAX
#define SD_V(operation) f64_##operation
#include "../simd/vectors.h"
#define TILE SD_TILE_64
#define v_tall tall_64
#define v_wide wide_64

#define SCALE 0x1p600
#define UNSCALE 0x1p-600
#define SCALE_POWER 600
#define NORMAL_EXPONENT (-900)
#define CLAMP_BITS 1140.0
#define MAX_OFFSET 4096.0
#define MIN_PLAIN_TEMPERATURE 0x1p-500
#define MAX_PLAIN_TEMPERATURE 0x1p500
/* No temperatures but 0 and infinity give the same as these. */
#define MAXIMUM_ALONE_BELOW 0x1p-1074
#define ALL_EQUAL_FROM INFINITY
/* 1.5 * 2^50: adding it rounds to quarters, and its own bits are lost when that is shifted left by 50. */
#define ROUNDER 0x1.8p50
/* Adding it and subtracting it again rounds |f| <= 1/8 to multiples of 2^-54. */
#define GRID 0.375
#define TILT 0x1p-53
/* Adding and subtracting it rounds exponentials to multiples of 2^(600 - 44), 128 of which add up
 * exactly. */
#define SPLIT 0x1.8p608
#define SUM_ITEMS 1024
/* The longest row whose exponentials are stored and then divided (softmax_stored.h), and what a stored
 * exponential is corrected by, relative to it: a fifth of a unit in the last place of 1. In float32 no row
 * is, because that costs half a ULP. */
#define MAX_STORED (1 << 18)
#define ROUNDING_CORRECTION 0x1.ap-55
#define NEGLIGIBLE_BITS 1074.0
