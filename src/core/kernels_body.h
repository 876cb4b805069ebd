/* The kernel bodies over the pack. Included once per tier. */
#include "exp2_constants.h"
#include "log1p.h"

/* for each u of `group` packs */
#define SD_EACH SD_UNROLL for (int u = 0; u < group; u++)
/* the most packs */
#define SD_MOST 4
/* bytes of a row from which on results are written past the caches */
#define SD_PAST_CACHES (1 << 23)
/* How x goes into an exponential: as it is, none being so low that it is cut off; cut off; or moved first. */
enum { SD_UNCUT = -1, SD_CUT = 0, SD_MOVED = 1 };
/* Temperatures so low or so high that the limit is the answer. */
enum { SD_ONLY_MAX = 1, SD_ALL_EQUAL = 2 };

#include "compensated.h"
#include "transpose_body.h"

#include "exp2_f32.h"
#define SD_ITEM float
#define I(op) f32_##op
#define F(name) name##_f32
#include "softmax_body.h"
#include "log_softmax_body.h"
#include "sample_f32.h"
#include "draw_body.h"
#include "filter_body.h"
#include "nucleus_body.h"
#include "sample_body.h"
#include "entropy_body.h"
#include "item_undef.h"

#define SD_ITEM uint16_t
#define I(op) f16_##op
#define F(name) name##_f16
#include "softmax_body.h"
#include "log_softmax_body.h"
#include "entropy_body.h"
#include "item_undef.h"

#define SD_ITEM uint16_t
#define I(op) bf16_##op
#define F(name) name##_bf16
#include "softmax_body.h"
#include "log_softmax_body.h"
#include "entropy_body.h"
#include "item_undef.h"
#include "exp2_undef.h"

#include "exp2_f64.h"
#define SD_ITEM double
#define I(op) f64_##op
#define F(name) name##_f64
#include "softmax_body.h"
#include "log_softmax_body.h"
#include "sample_f64.h"
#include "draw_body.h"
#include "filter_body.h"
#include "nucleus_body.h"
#include "sample_body.h"
#include "entropy_body.h"
static void row_moments_f64(const double *x, size_t n, double t, sd_moments *moments) {
    const temperature_f64 temperature = temperature_make_f64(t);
    *moments = moments_of_f64(&temperature, t, x, n);
}
#include "item_undef.h"
#include "exp2_undef.h"

#include "vjp_body.h"
#include "xoshiro_body.h"
#include "alias_body.h"
#include "alias_read_body.h"
#include "alias_units_body.h"

/* clang-format off */
const sd_kernels SD_KERNELS = {
    softmax_f32, softmax_f64, softmax_f16, softmax_bf16,
    log_softmax_f32, log_softmax_f64, log_softmax_f16, log_softmax_bf16,
    logsumexp_f32, logsumexp_f64, logsumexp_f16, logsumexp_bf16,
    entropy_f32, entropy_f64, entropy_f16, entropy_bf16, row_moments_f64,
    softmax_vjp_f32, softmax_vjp_f64,
    sample_f32, sample_f64,
    transpose_16, transpose_32, transpose_64,
    xoshiro_blocks,
    alias_map,
    alias_read_f64, alias_read_f32, alias_read_u64,
    alias_units_of_doubles, alias_units_of_integers,
};
