/* The kernels for float16, which are computed in float32. The files *_f16.c, one for each tier, include
 * this after a pack (simd/), and so compile the same kernels for every tier. */
#ifdef SD_TIER
#include "../rows/real_f32.h"

typedef uint16_t item_t; /* the type in memory */
#define item_load f16_load
#define item_load_n load_half_n
#define item_mask_n mask_first
#define item_store f16_store
#define item_store_n store_half_n
#define item_stream f16_stream
#define half_of sd_f16_from_f32
#include "../simd/halves.h"

typedef uint16_t item_bits_t; /* the type that is transposed */
#define ITEM_TILE SD_TILE_16
#define ITEM_TALL SD_TALL_16
#define item_tile tile_16
#define item_tall tall_16
#include "../simd/transpose.h"

#include "../rows/rows_f32.h"

const sd_kernels SD_TABLE_OF(SD_TIER, f16) = {
    SD_ROW_KERNELS,
    .transpose = transpose,
};
SD_TARGET_CLOSE
#endif
