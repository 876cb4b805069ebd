/* The kernels for bfloat16, which are computed in float32. The files *_bf16.c, one for each tier, include
 * this after a pack (simd/), and so compile the same kernels for every tier. */
#ifdef SD_TIER
#include "../rows/real_f32.h"

typedef uint16_t item_t; /* the type in memory */
#define item_load bf16_load
#define item_load_n load_half_n
#define item_mask_n bf16_mask_n
#define item_store bf16_store
#define item_store_n store_half_n
#define item_stream bf16_stream
#define half_of sd_bf16_from_f32
#include "../simd/halves.h"

#include "../rows/rows_f32.h"

const sd_kernels SD_TABLE_OF(SD_TIER, bf16) = {
    SD_ROW_KERNELS,
};
SD_TARGET_CLOSE
#endif
