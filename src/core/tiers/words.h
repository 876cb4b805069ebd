/* The kernels on 64-bit words: the generator, and alias tables. The files *_words.c, one for each tier,
 * include this after a pack (simd/), and so compile the same kernels for every tier. */
#ifdef SD_TIER
#include "../alias/map.h"
#include "../alias/read.h"
#include "../alias/units.h"
#include "../sampling/xoshiro.h"

const sd_word_kernels SD_TABLE_OF(SD_TIER, words) = {
    .xoshiro_blocks = xoshiro_blocks,
    .alias_map = alias_map,
    .alias_map_private = alias_map_private,
    .read_weights = {[SD_WEIGHTS_F64] = read_f64, [SD_WEIGHTS_F32] = read_f32, [SD_WEIGHTS_U64] = read_u64},
    .round_units = round_units,
};
SD_TARGET_CLOSE
#endif
