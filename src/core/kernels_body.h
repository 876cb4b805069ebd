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

#include "xoshiro_body.h"
#include "alias_body.h"
#include "alias_read_body.h"
#include "alias_units_body.h"

const sd_kernels SD_KERNELS = {
    softmax_f32,   softmax_f64,   log_softmax_f32, log_softmax_f64,
    logsumexp_f32, logsumexp_f64, xoshiro_blocks,  alias_map,
    alias_read_f64, alias_read_f32, alias_read_u64, alias_units_of_doubles, alias_units_of_integers,
};
