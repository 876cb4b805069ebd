/* The kernels for float32. The files *_f32.c, one for each tier, include this after a
 * pack (simd/), and so compile the same kernels for every tier. */
#ifdef SD_TIER
#include "../rows/real_f32.h"

typedef float item_t; /* the type in memory */
#define item_load f32_load
#define item_load_n f32_load_n
#define item_mask_n mask_first
#define item_store f32_store
#define item_store_n f32_store_n
#define item_stream f32_stream

typedef uint32_t item_bits_t; /* the type that is transposed */
#define ITEM_TILE SD_TILE_32
#define ITEM_TALL SD_TALL_32
#define item_tile tile_32
#define item_tall tall_32
#define item_broad broad_32
#include "../simd/transpose.h"

#include "../rows/rows_f32.h"
#include "../rows/partials.h"
#include "../rows/vjp_f32.h"
#include "../rows/vjp.h"
#include "../sampling/real_f32.h"
#include "../sampling/sampling.h"

const sd_kernels SD_TABLE_OF(SD_TIER, f32) = {
    SD_ROW_KERNELS,
    .softmax_vjp = softmax_vjp,
    .find_partials = find_partials,
    .write_from_partials = write_from_partials,
    .sample = sample,
    .transpose = transpose,
};
SD_TARGET_CLOSE
#endif
