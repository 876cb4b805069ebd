/* The kernels for float64. The files *_f64.c, one for each tier, include this after a
 * pack (simd/), and so compile the same kernels for every tier. */
#ifdef SD_TIER
#include "../rows/real_f64.h"

typedef double item_t; /* the type in memory */
#define item_load f64_load
#define item_load_n f64_load_n
#define item_mask_n mask_first
#define item_store f64_store
#define item_store_n f64_store_n
#define item_stream f64_stream

typedef uint64_t item_bits_t; /* the type that is transposed */
#define ITEM_TILE SD_TILE_64
#define ITEM_TALL SD_TALL_64
#define item_tile tile_64
#define item_tall tall_64
#define item_broad broad_64
#include "../simd/transpose.h"

#include "../rows/rows_f64.h"
#include "../rows/partials.h"
#include "../rows/combine.h"
#include "../rows/vjp_f64.h"
#include "../rows/vjp.h"
#include "../sampling/real_f64.h"
#include "../sampling/sampling.h"

static void find_moments_at(const double *x, size_t n, double t, sd_moments *moments) {
    const temperature_t temperature = make_temperature(t);
    *moments = find_moments(&temperature, t, x, n);
}

const sd_kernels SD_TABLE_OF(SD_TIER, f64) = {
    SD_ROW_KERNELS,
    .softmax_vjp = softmax_vjp,
    .find_partials = find_partials,
    .write_from_partials = write_from_partials,
    .combine_partials = combine_partials,
    .sample = sample,
    .find_moments = find_moments_at,
    .transpose = transpose,
};
SD_TARGET_CLOSE
#endif
