/* Building an alias table: weights become exact integers, the units, and units become buckets.
 *
 * The units sum to 2^64, and each differs by less than one from 2^64 * weight / W, where W is the sum of
 * the n weights. The steps:
 *
 * 1. Find W exactly, whatever the order of the weights, truncated to 106 bits (alias/read.h, exact_sum.h).
 * 2. Compute 2^64 * weight / W in double-double arithmetic, with an error of at most 2^-38, and round it to
 *    the nearest integer (alias/units.h). The integers sum to 2^64 - D, where D is small, because most of
 *    the rounding errors cancel.
 * 3. If D > 0, give one unit more to the first D weights that were rounded down; if D < 0, one less to the
 *    first -D that were rounded up (alias/correct.h). There are always enough of them, since each rounding
 *    is at most 1/2, and an integer so corrected is still less than one from the exact value. Products
 *    within 2^-36 of an integer are left alone: it is not certain on which side of it they are, and
 *    n <= 2^32 of them do not add up to one unit.
 * 4. Give one unit to every positive weight that has none, and take these from the largest weight, which
 *    has at least 2^64 / n >= 2^32 units, enough for all (alias/correct.h).
 * 5. Arrange the units in buckets (alias/arrange.h).
 *
 * Each weight is read once, into the array of buckets, and all steps work in place on that copy. The
 * kernels do steps 1 and 2 and mark what is rounded, lost, light or heavy, so that few categories are
 * looked at one by one. */
#include "arith/host_state.h"
#include "kernels.h"
#include "softdraw.h"

#include "alias/arrange.h"
#include "alias/correct.h"

size_t softdraw_alias_scratch(size_t n) { return 5 * sizeof(uint64_t) * (n / 64 + (n % 64 > 0)); }

/* Builds the table from the copies in buckets; *largest becomes the index of the first of the largest. */
static int build_from_copies(const sd_word_kernels *kernels, sd_weights *seen, size_t n, int is_integer,
                             uint64_t *buckets, uint64_t *scratch, size_t *largest) {
    if (seen->maximum == 0) return SOFTDRAW_ERROR_ZERO;
    const unsigned bits = softdraw_alias_bits(n);
    *largest = seen->search_from;
    while (buckets[*largest] != seen->maximum) ++*largest;
    if (seen->all_equal) {
        arrange_equal_units(buckets, bits, n);
        return SOFTDRAW_OK;
    }

    double high, low;
    int exponent;
    sd_exact_sum_top(&seen->sum, &high, &low, &exponent);
    const sd_ratio ratio = make_ratio(high, low, exponent);
    const sd_marks marks = place_marks(scratch, n);
    const uint64_t capacity = capacity_of(bits);
    const uint64_t total = kernels->round_units(buckets, n, is_integer, &ratio, capacity, &marks);
    if (n % 64) marks.light[n / 64] &= ((uint64_t)1 << n % 64) - 1;
    correct_units(buckets, n, *largest, 0 - total, capacity, &marks);
    if (buckets[*largest]) {
        arrange_units(buckets, bits, n, marks.light, marks.heavy);
    } else { /* it has all 2^64 units, which is no integer of 64 bits */
        for (size_t i = 0; i < (size_t)1 << bits; i++) buckets[i] = *largest;
    }
    return SOFTDRAW_OK;
}

/* What the three functions of the header do, for each type of weights. */
static int build(enum sd_weight_type type, const void *weights, size_t n, uint64_t *buckets,
                 uint64_t *scratch, size_t *where) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n == 0 || (uint64_t)n - 1 > UINT32_MAX) return SOFTDRAW_ERROR_LENGTH;
    if (!weights || !buckets || !scratch) return SOFTDRAW_ERROR_NULL;
    const sd_host_state before = sd_set_default_state();
    sd_weights seen = {{{0}}, 0, 0, 0};
    size_t index = kernels->read_weights[type](weights, n, buckets, &seen);
    int error = SOFTDRAW_ERROR_WEIGHT;
    if (index == n)
        error = build_from_copies(kernels, &seen, n, type == SD_WEIGHTS_U64, buckets, scratch, &index);
    sd_restore_state(before);
    if (where) *where = index;
    return error;
}

#define DEFINE_BUILD(function, weight, type)                                                      \
    int function(const weight *weights, size_t n, uint64_t *buckets, uint64_t *scratch,           \
                 size_t *where) {                                                                 \
        return build(type, weights, n, buckets, scratch, where);                                  \
    }
DEFINE_BUILD(softdraw_alias_build_f64, double, SD_WEIGHTS_F64)
DEFINE_BUILD(softdraw_alias_build_f32, float, SD_WEIGHTS_F32)
DEFINE_BUILD(softdraw_alias_build_u64, uint64_t, SD_WEIGHTS_U64)
