/* Names for the operations of a pack that do not depend on the type: where kernels compute in float32,
 * v_add is f32_add; where they compute in float64, it is f64_add.
 *
 * The kernels in rows/ and sampling/ are written once with these names and compiled once for each tier and
 * item type. SD_V(operation) adds the prefix; rows/real_f32.h and rows/real_f64.h define it, and WIDTH, the
 * number of lanes. scalar.h says what each operation does. */
#define v_abs SD_V(abs)
#define v_add SD_V(add)
#define v_assume_upper SD_V(assume_upper)
#define v_compress SD_V(compress)
#define v_compress_index SD_V(compress_index)
#define v_first SD_V(first)
#define v_fma SD_V(fma)
#define v_fms SD_V(fms)
#define v_load SD_V(load)
#define v_mark_nan SD_V(mark_nan)
#define v_mask_between SD_V(mask_between)
#define v_mask_ge SD_V(mask_ge)
#define v_max SD_V(max)
#define v_min SD_V(min)
#define v_mul SD_V(mul)
#define v_reduce_add SD_V(reduce_add)
#define v_reduce_add_8 SD_V(reduce_add_8)
#define v_reduce_max SD_V(reduce_max)
#define v_reduce_max_8 SD_V(reduce_max_8)
#define v_set1 SD_V(set1)
#define v_store SD_V(store)
#define v_sub SD_V(sub)
#define v_two_sum SD_V(two_sum)
#define v_where_bit SD_V(where_bit)
#define v_where_ge SD_V(where_ge)
#define v_with_sign SD_V(with_sign)

/* Does a statement for each u of `group` packs, of which there are at most MAX_GROUP. */
#define FOR_EACH_PACK SD_UNROLL for (int u = 0; u < group; u++)
#define MAX_GROUP 4

/* A mask of the first n lanes; of all if n is WIDTH or more. */
SD_INLINE unsigned mask_first(size_t n) { return n < WIDTH ? (1u << n) - 1 : (1u << WIDTH) - 1; }
