/* The kernel bodies over the pack. Included once per tier. */
#include "exp2_constants.h"
#include "log1p.h"

/* for each u of `group` packs */
#define SD_EACH SD_UNROLL for (int u = 0; u < group; u++)

#include "compensated.h"

#include "exp2_f32.h"
#include "short_rows_f32.h"
#include "softmax_body.h"
#include "exp2_undef.h"

#include "exp2_f64.h"
#include "short_rows_f64.h"
#include "softmax_body.h"
#include "exp2_undef.h"

#include "vjp_body.h"
#include "transpose_body.h"
#include "xoshiro_body.h"
#include "alias_body.h"

const sd_kernels SD_KERNELS = {
    softmax_f32,   softmax_f64,   log_softmax_f32, log_softmax_f64,
    logsumexp_f32, logsumexp_f64, softmax_vjp_f32, softmax_vjp_f64,
    transpose_16, transpose_32, transpose_64, xoshiro_blocks, alias_map,
};
